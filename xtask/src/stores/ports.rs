//! Ports on loopback that nothing listens on.
//!
//! They are looked for below the range from which systems give ports to outgoing connections: there one could be given away
//! between finding it and using it.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

const LOWEST: u16 = 11_000;
const HIGHEST: u16 = 21_999;

/// What SeaweedFS adds to a port for the gRPC side of the same service. Its parts expect that of each other.
pub(super) const GRPC_OFFSET: u16 = 10_000;

/// Ports, each free together with the one [`GRPC_OFFSET`] above it; all different.
///
/// # Errors
/// Says so if there are not enough.
pub(super) fn free(count: usize) -> Result<Vec<u16>, String> {
    // Another start each time: two programs that look at the same moment should not find the same ones.
    let bits = RandomState::new().hash_one(());
    let offset = bits.checked_rem(u64::from(HIGHEST.saturating_sub(LOWEST))).unwrap_or(0);
    choose(round(LOWEST.saturating_add(u16::try_from(offset).unwrap_or(0))), count)
}

/// All candidates, from one of them on and round.
fn round(start: u16) -> impl Iterator<Item = u16> {
    (start..=HIGHEST).chain(LOWEST..start)
}

fn choose(candidates: impl Iterator<Item = u16>, count: usize) -> Result<Vec<u16>, String> {
    // Held until all are found, so that none is found twice.
    let mut held = Vec::new();
    let found: Vec<u16> = candidates
        .filter(|port| match (listen(*port), listen(port.saturating_add(GRPC_OFFSET))) {
            (Some(low), Some(high)) => {
                held.push((low, high));
                true
            }
            _ => false,
        })
        .take(count)
        .collect();
    if found.len() < count {
        return Err(format!(
            "found {} of {count} free ports between {LOWEST} and {HIGHEST} on 127.0.0.1; stop what holds them",
            found.len()
        ));
    }
    Ok(found)
}

fn listen(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_different_and_free_with_their_partners() {
        let ports = free(8).unwrap();
        assert_eq!(ports.len(), 8);
        for (at, port) in ports.iter().enumerate() {
            assert!(!ports[..at].contains(port), "{ports:?}");
            assert!((LOWEST..=HIGHEST).contains(port), "{ports:?}");
        }
    }

    #[test]
    fn a_taken_port_and_one_with_a_taken_partner_are_passed_over() {
        let ports = free(2).unwrap();
        let (port, other) = (ports[0], ports[1]);
        let candidates = || [port, other].into_iter();
        let taken = listen(port).unwrap();
        assert_eq!(choose(candidates(), 1), Ok(vec![other]));
        drop(taken);
        let partner = listen(port + GRPC_OFFSET).unwrap();
        assert_eq!(choose(candidates(), 1), Ok(vec![other]));
        // Not enough is an error that tells how many there are.
        let error = choose(candidates(), 2).unwrap_err();
        assert!(error.contains("found 1 of 2 free ports"), "{error}");
        drop(partner);
    }

    #[test]
    fn the_search_goes_round_and_sees_each_candidate_once() {
        let start = HIGHEST - 1;
        let mut candidates: Vec<u16> = round(start).collect();
        assert_eq!(candidates[..3], [start, HIGHEST, LOWEST]);
        candidates.sort_unstable();
        assert!(candidates.into_iter().eq(LOWEST..=HIGHEST));
    }
}
