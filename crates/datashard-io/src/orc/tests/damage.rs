//! Damaged bytes end in errors: no panic, no endless work, no memory beyond the limit.
