//! Tests of the executor: order, time, processes, and what ends a run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::sim::Killed;

const SECOND: Duration = Duration::from_secs(1);

/// The order in which ten tasks of three steps each were polled.
fn order(seed: u64) -> Vec<(u32, u32)> {
    let simulation = Simulation::new(seed);
    let seen = Arc::new(Mutex::new(Vec::new()));
    simulation
        .run(async {
            let tasks: Vec<_> = (0..10)
                .map(|task| {
                    let seen = Arc::clone(&seen);
                    simulation.spawn(async move {
                        for step in 0..3 {
                            seen.lock().unwrap().push((task, step));
                            yield_now().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        })
        .unwrap();
    Arc::into_inner(seen).unwrap().into_inner().unwrap()
}

#[test]
fn the_seed_alone_decides_the_order_of_tasks() {
    assert_eq!(order(1), order(1));
    let orders: std::collections::BTreeSet<_> = (0..20).map(order).collect();
    assert_eq!(orders.len(), 20);
}

#[test]
fn time_jumps_to_the_next_timer_and_timers_fire_in_their_order() {
    let simulation = Simulation::new(1);
    let seen = Arc::new(Mutex::new(Vec::new()));
    simulation
        .run(async {
            let tasks: Vec<_> = [30_u64, 10, 20]
                .map(|seconds| {
                    let (clock, seen) = (simulation.context().clock, Arc::clone(&seen));
                    simulation.spawn(async move {
                        clock.sleep(Duration::from_secs(seconds)).await;
                        seen.lock().unwrap().push(seconds);
                    })
                })
                .into();
            for task in tasks {
                task.await.unwrap();
            }
        })
        .unwrap();
    assert_eq!(*seen.lock().unwrap(), [10, 20, 30]);
    assert_eq!(simulation.now(), 30 * SECOND);
}

#[test]
fn tasks_that_wait_for_each_other_are_an_error_that_names_them() {
    let simulation = Simulation::new(5);
    let stuck = simulation.process("stuck");
    let error = simulation
        .run(async {
            let task = stuck.spawn(std::future::pending::<()>());
            let _ = task.await;
        })
        .unwrap_err();
    let SimulationError::Deadlock { seed: 5, waiting, .. } = &error else { panic!("{error}") };
    assert_eq!(waiting, "main run 1, stuck task 2");
}

#[test]
fn what_goes_on_for_ever_is_stopped_by_steps_and_by_time() {
    let simulation = Simulation::new(1).with_step_limit(1_000);
    let error = simulation
        .run(async {
            loop {
                yield_now().await;
            }
        })
        .unwrap_err();
    assert!(matches!(error, SimulationError::TooManySteps { seed: 1, steps: 1_000, .. }), "{error}");

    let simulation = Simulation::new(2).with_time_limit(SECOND);
    let clock = simulation.context().clock;
    let error = simulation
        .run(async {
            loop {
                clock.sleep(SECOND / 10).await;
            }
        })
        .unwrap_err();
    assert!(matches!(error, SimulationError::TooLong { seed: 2, at_ms: 1_100, .. }), "{error}");

    // A loop that sleeps for no time at all is one of steps.
    let simulation = Simulation::new(3).with_step_limit(1_000);
    let clock = simulation.context().clock;
    let endless = async {
        loop {
            clock.sleep(Duration::ZERO).await;
        }
    };
    let error = simulation.run(endless).unwrap_err();
    assert!(matches!(error, SimulationError::TooManySteps { .. }), "{error}");
}

#[test]
fn a_simulation_inside_itself_is_refused() {
    let simulation = Simulation::new(1);
    let inner = simulation.run(async { simulation.run(async {}) }).unwrap();
    assert_eq!(inner, Err(SimulationError::Nested { seed: 1 }));
    assert_eq!(simulation.run(async { 7 }), Ok(7));
}

#[test]
fn a_killed_process_goes_no_further_and_drops_what_it_held() {
    let simulation = Simulation::new(1);
    let process = simulation.process("writer");
    let clock = process.context().clock;
    let held = Arc::new(());
    let also_held = Arc::clone(&held);
    let task = process.spawn(async move {
        clock.sleep(10 * SECOND).await;
        drop(also_held);
    });
    let outcome = simulation
        .run(async {
            simulation.context().clock.sleep(SECOND).await;
            assert_eq!(Arc::strong_count(&held), 2);
            process.kill();
            assert_eq!(Arc::strong_count(&held), 1);
            task.await
        })
        .unwrap();
    assert_eq!(outcome, Err(Killed));
    assert!(!process.is_alive());
    let late = simulation.run(process.spawn(async {})).unwrap();
    assert_eq!(late, Err(Killed));
    assert_eq!(simulation.now(), SECOND);
}

#[test]
fn a_process_can_kill_itself() {
    let simulation = Simulation::new(1);
    let process = simulation.process("writer");
    let own = process.clone();
    let task = process.spawn(async move {
        own.kill();
        yield_now().await;
        panic!("went on after its end");
    });
    assert_eq!(simulation.run(task).unwrap(), Err(Killed));
}

#[test]
fn a_paused_process_stands_still_while_its_timers_run_out() {
    let simulation = Simulation::new(1);
    let process = simulation.process("writer");
    let clock = process.context().clock;
    let task = process.spawn(async move {
        clock.sleep(SECOND).await;
        clock.elapsed()
    });
    let (before, after) = simulation
        .run(async {
            let (main, own) = (simulation.context().clock, process.context().clock);
            let before = own.elapsed();
            process.pause();
            main.sleep(60 * SECOND).await;
            process.resume();
            (before, task.await.unwrap())
        })
        .unwrap();
    assert_eq!(after - before, 60 * SECOND);
}

#[test]
fn a_run_that_waits_for_a_paused_process_is_a_deadlock_that_says_so() {
    let simulation = Simulation::new(1);
    let process = simulation.process("writer");
    process.pause();
    let task = process.spawn(async {});
    let error = simulation.run(task).unwrap_err();
    assert!(error.to_string().contains("writer task 1 (paused)"), "{error}");
}

#[test]
fn wall_clocks_jump_and_deadlines_do_not_notice() {
    let simulation = Simulation::new(1);
    let process = simulation.process("writer");
    let clock = process.context().clock;
    let (wall, elapsed) = (clock.now_ms(), clock.elapsed());
    process.jump_wall_clock(-3_600_000);
    assert_eq!((clock.now_ms(), clock.elapsed()), (wall - 3_600_000, elapsed));
    assert_eq!(simulation.context().clock.now_ms(), wall);
    simulation.run(clock.sleep(SECOND)).unwrap();
    assert_eq!((clock.now_ms(), clock.elapsed()), (wall - 3_599_000, elapsed + SECOND));
    assert_eq!(simulation.now(), SECOND);
}

#[test]
fn a_fast_clock_wakes_its_process_early() {
    let simulation = Simulation::new(1);
    let process = simulation.process("writer");
    process.set_drift_ppm(250_000);
    simulation.run(process.context().clock.sleep(5 * SECOND)).unwrap();
    assert_eq!(simulation.now(), 4 * SECOND);
}

#[test]
fn ids_differ_between_processes_but_not_after_a_snapshot_was_started_twice() {
    let simulation = Simulation::new(1);
    let (one, two) = (simulation.process("writer"), simulation.process("writer"));
    assert_ne!(one.context().ids.uuid(), two.context().ids.uuid());
    let twin = one.snapshot("twin");
    assert_eq!(one.context().ids.uuid(), twin.context().ids.uuid());
    assert_eq!(one.context().randomness.next_u64(), twin.context().randomness.next_u64());
    let id = |seed| Simulation::new(seed).process("writer").context().ids.uuid();
    assert_eq!(id(1), id(1));
    assert_ne!(id(1), id(2));
}

#[test]
fn nothing_is_left_in_memory_after_a_simulation() {
    let held = Arc::new(());
    for seed in 0..10 {
        let simulation = Simulation::new(seed);
        let (own, clock) = (Arc::clone(&held), simulation.context().clock);
        simulation.spawn(async move {
            clock.sleep(SECOND).await;
            drop(own);
        });
        simulation.run(yield_now()).unwrap();
    }
    assert_eq!(Arc::strong_count(&held), 1);
}
