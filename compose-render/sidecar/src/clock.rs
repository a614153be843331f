//! The clock by which what ends by itself ends.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest between two looks at it.
const LOOK: Duration = Duration::from_secs(1);

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Comes back when that second is reached, and never where there is none. The clock is asked often:
/// it may be set, and a machine may sleep.
pub async fn reached(end: Option<u64>) {
    let Some(end) = end else { return std::future::pending().await };
    while let Some(left) = end.checked_sub(now()).filter(|&left| left > 0) {
        tokio::time::sleep(Duration::from_secs(left).min(LOOK)).await;
    }
}
