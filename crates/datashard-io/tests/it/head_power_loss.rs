//! The retire boundary of a folder that loses its power: whoever was told of it may have deleted files since.

use std::sync::Arc;

use datashard_io::sim::Simulation;
use datashard_io::sim::disk::SimDisk;
use datashard_io::{Durability, Location, TableStore};
use datashard_spec::id::MetadataVersion;

fn table(simulation: &Simulation, disk: &SimDisk, durability: Durability) -> TableStore {
    let location = Location::parse("/lake/events").unwrap();
    TableStore::on_file_system(Arc::new(disk.clone()), location, durability, simulation.context()).unwrap()
}

/// The least that the boundary may be after the power is lost now.
fn least(simulation: &Simulation, disk: &SimDisk) -> u64 {
    let now = disk.steps().len();
    let left = disk.power_loss(now).some(200, 1);
    let retired = left.into_iter().map(|left| {
        let found = table(simulation, &disk.after_power_loss(now, left), Durability::Full);
        simulation.run(async { found.retired().await.unwrap() }).unwrap().0
    });
    retired.min().unwrap()
}

#[test]
fn a15_a_raised_boundary_survives_a_power_loss() {
    let simulation = Simulation::new(1);
    let disk = SimDisk::new(simulation.context().clock);
    let store = table(&simulation, &disk, Durability::Full);
    for to in [5, 9, 30] {
        simulation.run(store.raise_retired(MetadataVersion(to))).unwrap().unwrap();
        assert_eq!(least(&simulation, &disk), to);
    }
}

#[test]
fn a15_a_boundary_that_another_made_is_durable_before_it_is_told() {
    let simulation = Simulation::new(1);
    let disk = SimDisk::new(simulation.context().clock);
    let hasty = table(&simulation, &disk.process(1), Durability::None);
    simulation.run(hasty.raise_retired(MetadataVersion(9))).unwrap().unwrap();
    assert_eq!(least(&simulation, &disk), 0, "it was never flushed");
    let store = table(&simulation, &disk.process(2), Durability::Full);
    let told = simulation.run(store.raise_retired(MetadataVersion(7))).unwrap().unwrap();
    assert_eq!(told, MetadataVersion(9));
    assert_eq!(least(&simulation, &disk), 9);
}
