//! egress, the control half: which credentials a bottle's requests get, and how the sidecar that
//! adds them is described.
//!
//! Pure but for minting: routes are parsed, checked and ordered here, by the same types in the
//! launcher and in the data plane, so that what was shown is what is judged.

mod budget;
mod check;
mod credential;
pub mod jwt;
mod path_glob;
mod placeholder;
mod renewal;
mod route;
mod routes_file;
mod settings;

pub use self::budget::{Budget, USAGE_FILE, Usage, UsageFile, UsageLine};
pub use self::check::{Fault, check_routes, weaknesses};
pub use self::credential::{
    BasicUser, Credential, Form, HeaderName, InvalidSecret, InvalidValue, MIN_SECRET,
    ParameterName, VariableName, check_secret,
};
pub use self::path_glob::{InvalidPathGlob, PathGlob};
pub use self::placeholder::{InvalidPlaceholder, MARK, Placeholder};
pub use self::renewal::{InvalidEndpoint, LOGIN_FILE_PREFIX, Renewal, TokenBody, TokenEndpoint};
pub use self::route::{
    Cookies, DEFAULT_PORT, InvalidMethod, Method, Route, Routes, Verdict, Websocket,
};
pub use self::routes_file::{InvalidRoutes, Pipelock, RoutesFile};
pub use self::settings::{BINARY, DOCKERFILE, Egress, Settings, mint};
