pub(super) mod flights;
mod round_trip;
mod rubbish;
