//! Whether a manifest found in a repository counts: by its content, once a person said so.
