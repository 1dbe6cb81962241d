//! The walk through older versions that decides what the newest one does not tell (R5).

use datashard_io::StoreError;
use datashard_spec::id::MetadataVersion;

use crate::base::Base;
use crate::core::Core;
use crate::error::CommitError;
use crate::protocol::{Found, Generation, LookBack, Pending, Standing, counts, look_back, resolve};

/// How many versions are read before the outcome counts as not known. One is the usual number: the intent floor stays 512 versions behind.
const MOST_VERSIONS: u32 = 2_048;

impl Core {
    /// Where an operation stands as of a version that is part of the chain, looking into older versions where that one does not tell (R5).
    ///
    /// [`Standing::AskHistory`] is never the answer: what history does not tell either is unknown. `pending` learns as of which version the
    /// operation is not committed.
    pub(crate) async fn standing(
        &self,
        pending: &mut Pending,
        base: &Base,
        new_generation: Generation,
    ) -> Result<Standing, CommitError> {
        let limits = self.options.limits;
        if let Some(key) = &pending.key
            && base.state.is_none()
            && base.recovered_apps().get(&key.app).is_some_and(|applied| *applied >= key.version)
        {
            return Ok(Standing::Committed(Found::Key));
        }
        let mut left = MOST_VERSIONS;
        loop {
            let standing = resolve(pending, base.version, base.state.as_ref(), limits);
            match standing {
                Standing::Uncommitted { .. } => {
                    pending.known_uncommitted(base.version, base.state.as_ref(), new_generation);
                    return Ok(standing);
                }
                Standing::Committed(_) | Standing::Unknown => return Ok(standing),
                Standing::AskHistory => {}
            }
            // Versions below the boundary may be gone, or of anybody's making (R2).
            let retired = self.store.retired().await?;
            let Some(known) = pending.uncommitted else { return Ok(Standing::Unknown) };
            let lowest = known.0.saturating_add(1).max(retired.0);
            let distance = self.options.limits.floor_distance;
            // Up to here the floor cannot have passed what was known, unless the session map overflowed.
            let promising =
                known.0.saturating_add(1).saturating_add(distance).min(base.version.0.saturating_sub(1));
            let mut version = promising;
            loop {
                if version < lowest || left == 0 {
                    return Ok(Standing::Unknown);
                }
                left = left.saturating_sub(1);
                match self.look_at(pending, MetadataVersion(version), new_generation).await? {
                    (LookBack::Committed(found), _) => return Ok(Standing::Committed(found)),
                    // All that it was sent to lies at or below that version, and its number is another's.
                    (LookBack::Uncommitted, true) => {
                        pending.known_uncommitted(base.version, base.state.as_ref(), new_generation);
                        return Ok(Standing::Uncommitted { new_session: true });
                    }
                    (LookBack::Uncommitted, false) => break,
                    (LookBack::Older, _) => version = version.saturating_sub(1),
                }
            }
        }
    }

    /// What a version tells, and whether the operation's number is taken there.
    async fn look_at(
        &self,
        pending: &mut Pending,
        version: MetadataVersion,
        new_generation: Generation,
    ) -> Result<(LookBack, bool), CommitError> {
        let bytes = match self.store.read_version(version).await {
            Ok(bytes) => bytes,
            // Retired meanwhile: the next round reads the boundary again.
            Err(StoreError::NotFound { .. }) => return Ok((LookBack::Older, false)),
            Err(error) => return Err(error.into()),
        };
        // Read after the version, so that what it held at that time was part of the chain (R2).
        if !counts(version, self.store.retired().await?) {
            return Ok((LookBack::Older, false));
        }
        let base = Base::read(version, &bytes)?;
        let told = look_back(pending, version, base.state.as_ref());
        if told == LookBack::Uncommitted {
            pending.known_uncommitted(version, base.state.as_ref(), new_generation);
        }
        let is_taken = base.state.is_some_and(|state| state.last_of(pending.session) >= pending.number);
        Ok((told, is_taken))
    }

    /// The version that an operation is found in, given the newest.
    pub(crate) fn version_of(found: Found, base: &Base) -> MetadataVersion {
        match found {
            Found::Session { version } => version,
            Found::Key => base.version,
        }
    }
}
