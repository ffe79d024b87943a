mod corruption;
mod foreign;
mod lookups;
mod rig;
mod searches;
