//! The other rival: Debian's nginx, twice in a row, TLS at every hop.

use std::net::SocketAddr;
use std::path::Path;

use crate::bench::proxy::process::{Process, Ready};
use crate::program::{Program, found};
use crate::tools;

/// Where the client asks it.
pub(super) const LISTEN: &str = "127.0.0.1:8443";

/// Installs Debian's package where there is none.
pub(super) fn install() -> anyhow::Result<()> {
    if found("nginx") { Ok(()) } else { tools::apt("nginx-light") }
}

/// One nginx with two servers in a row: what the first takes goes to the second by TLS, and from
/// there to the origin by TLS. Nothing is collected: bodies pass as they come.
pub(super) fn start(folder: &Path, host: &str, origin: &str) -> anyhow::Result<Process> {
    let home = folder.join("nginx");
    // What another user's run left cannot be used by this one.
    if home.exists() {
        fs_err::remove_dir_all(&home)?;
    }
    fs_err::create_dir_all(&home)?;
    let config = home.join("nginx.conf");
    let (certificate, key) = (folder.join("origin.pem"), folder.join("origin-key.pem"));
    let authority = folder.join("origin-ca.pem");
    let second = "127.0.0.1:8444";
    let server = |listen: &str, to: &str, name: &str| {
        format!(
            "upstream {name} {{ server {to}; keepalive 64; }}\n\
             server {{\n listen {listen} ssl;\n ssl_certificate {};\n ssl_certificate_key {};\n\
             location / {{\n proxy_pass https://{name};\n proxy_http_version 1.1;\n\
             proxy_set_header Connection \"\";\n proxy_set_header Host {host};\n\
             proxy_ssl_name {host};\n proxy_ssl_server_name on;\n proxy_ssl_verify on;\n\
             proxy_ssl_trusted_certificate {};\n proxy_buffering off;\n\
             proxy_request_buffering off;\n }}\n}}\n",
            certificate.display(),
            key.display(),
            authority.display()
        )
    };
    let text = format!(
        "daemon off;\nuser root root;\npid {0}/pid;\nerror_log {0}/error.log;\nworker_processes auto;\n\
         events {{}}\nhttp {{\n access_log off;\n client_max_body_size 0;\n\
         client_body_temp_path {0}/body;\n proxy_temp_path {0}/proxy;\n\
         fastcgi_temp_path {0}/fastcgi;\n uwsgi_temp_path {0}/uwsgi;\n scgi_temp_path {0}/scgi;\n\
         keepalive_requests 1000000;\n{1}{2}}}\n",
        home.display(),
        server(LISTEN, second, "second"),
        server(second, origin, "origin"),
    );
    fs_err::write(&config, text)?;
    let program = Program::new("nginx").arg("-c").arg(&config).arg("-p").arg(&home);
    let listen: SocketAddr = LISTEN.parse()?;
    Process::start(&program, &home.join("log"), Ready::Accepts(listen))
}

/// What it says of itself.
pub(super) fn version() -> anyhow::Result<String> {
    Ok(Program::new("nginx").arg("-v").capture()?.stderr.trim().to_owned())
}
