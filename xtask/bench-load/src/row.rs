//! The rows of the table: what is asked, and how often.

use clap::Subcommand;

/// One row
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Row {
    /// So many connections ask for 200 bytes as fast as they can
    Many {
        #[arg(long, default_value_t = 16)]
        connections: usize,
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
    },
    /// One connection asks for 200 bytes again and again
    KeepAlive {
        #[arg(long, default_value_t = 1000)]
        times: usize,
        /// Over HTTP/2
        #[arg(long)]
        h2: bool,
    },
    /// A new connection, tunnel and handshake for each 200 bytes
    Connect {
        #[arg(long, default_value_t = 200)]
        times: usize,
    },
    /// A chat's body of so many bytes is sent
    Post {
        #[arg(long, default_value_t = 20)]
        times: usize,
        #[arg(long, default_value_t = 1_153_434)]
        bytes: usize,
    },
    /// JSON of so many bytes is fetched
    Get {
        #[arg(long, default_value_t = 20)]
        times: usize,
        #[arg(long)]
        bytes: usize,
    },
    /// A file of so many bytes is fetched
    Download {
        #[arg(long, default_value_t = 3)]
        times: usize,
        #[arg(long, default_value_t = 104_857_600)]
        bytes: usize,
    },
    /// A file of so many bytes is sent
    Upload {
        #[arg(long, default_value_t = 3)]
        times: usize,
        #[arg(long, default_value_t = 104_857_600)]
        bytes: usize,
    },
    /// So many connections do one request each and then nothing; what these processes need meanwhile
    Idle {
        #[arg(long, default_value_t = 1000)]
        connections: usize,
        #[arg(long, default_value_t = 10.0)]
        seconds: f64,
        #[arg(long = "pid")]
        pids: Vec<u32>,
    },
    /// Server-sent events, each written apart
    Events {
        #[arg(long, default_value_t = 20)]
        times: usize,
        #[arg(long, default_value_t = 200)]
        count: usize,
    },
    /// So many connections send chats' bodies of so many bytes as fast as they can
    ManyPosts {
        #[arg(long, default_value_t = 16)]
        connections: usize,
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
        #[arg(long, default_value_t = 1024)]
        bytes: usize,
    },
}
