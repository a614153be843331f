//! What every sidecar tells of itself.

use crate::{RenderedFile, Role, ServiceSpec};

/// A sidecar's control half: it describes, and whoever holds Docker makes it so.
pub trait Sidecar {
    /// Which one this is.
    fn role(&self) -> Role;

    /// Its compose service. Pure: nothing is written, nothing is started.
    fn service(&self) -> ServiceSpec;

    /// The files its folder holds, mounted at [`crate::contract::CONFIG_DIR`].
    fn files(&self) -> Vec<RenderedFile>;

    /// The argv that answers 0 inside the container once it serves.
    fn healthcheck(&self) -> Vec<String> {
        vec![format!("/{}", self.role()), "healthcheck".to_owned()]
    }
}
