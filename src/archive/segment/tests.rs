mod flights;
mod round_trip;
