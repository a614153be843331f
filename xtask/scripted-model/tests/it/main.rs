//! The model in process, on a port of its own.
