//! Integration tests: several layers together.

#[cfg(feature = "sim")]
mod faults_create;
#[cfg(feature = "sim")]
mod faults_list;
#[cfg(feature = "sim")]
mod faults_machine;
#[cfg(feature = "sim")]
mod faults_race;
#[cfg(feature = "sim")]
mod faults_read;
#[cfg(feature = "sim")]
mod faults_refused;
#[cfg(feature = "sim")]
mod faults_storm;
#[cfg(feature = "sim")]
mod faults_support;
