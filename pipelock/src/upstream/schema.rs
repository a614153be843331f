//! The keys of upstream pipelock's schema, and which of them have an effect here.
//!
//! Upstream adds and removes keys between versions; what either version knows is read. A key that
//! neither knows is a typing mistake, and a policy with a typing mistake in it is not the policy
//! its author meant.

/// What may stand at a key.
#[derive(Debug)]
pub(super) enum Key {
    /// Has an effect, and must be of this kind.
    Enforced(Kind),
    /// Read, and without an effect here.
    Parsed(Kind),
    /// Holds these keys.
    Section(Keys),
    /// A list of entries that hold these keys; without an effect here.
    Entries(Keys),
    /// The same, with one.
    EnforcedEntries(Keys),
}

/// The keys of a section.
pub(super) type Keys = &'static [(&'static str, Key)];

/// The kind of a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Bool,
    Int,
    Number,
    Text,
    Texts,
    /// Whatever upstream puts there: sections that concern nothing a sidecar does.
    Any,
}

use Key::{Enforced, EnforcedEntries, Entries, Parsed, Section};
use Kind::{Any, Bool, Int, Number, Text, Texts};

/// The document.
pub(super) const ROOT: Keys = &[
    ("version", Parsed(Int)),
    ("mode", Enforced(Text)),
    ("enforce", Parsed(Bool)),
    ("explain_blocks", Parsed(Bool)),
    ("api_allowlist", Enforced(Texts)),
    (
        "suppress",
        EnforcedEntries(&[
            ("rule", Enforced(Text)),
            ("path", Enforced(Text)),
            ("reason", Enforced(Text)),
        ]),
    ),
    ("internal", Enforced(Texts)),
    ("trusted_domains", Parsed(Texts)),
    ("metrics_listen", Parsed(Text)),
    ("ssrf", Section(&[("ip_allowlist", Enforced(Texts))])),
    ("fetch_proxy", Section(FETCH_PROXY)),
    ("forward_proxy", Section(FORWARD_PROXY)),
    ("tls_interception", Section(TLS_INTERCEPTION)),
    ("dlp", Section(DLP)),
    ("request_body_scanning", Section(REQUEST_BODIES)),
    ("response_scanning", Section(RESPONSES)),
    ("websocket_proxy", Section(WEBSOCKETS)),
    ("logging", Section(LOGGING)),
    ("kill_switch", Section(KILL_SWITCH)),
    ("session_profiling", Section(SESSIONS)),
    ("adaptive_enforcement", Parsed(Any)),
    ("cross_request_detection", Parsed(Any)),
    (
        "seed_phrase_detection",
        Section(&[
            ("enabled", Parsed(Bool)),
            ("min_words", Parsed(Int)),
            ("verify_checksum", Parsed(Bool)),
        ]),
    ),
    ("canary_tokens", Parsed(Any)),
    ("taint", Parsed(Any)),
    ("media_policy", Parsed(Any)),
    ("a2a_scanning", Parsed(Any)),
    ("git_protection", Parsed(Any)),
    ("sentry", Parsed(Any)),
    ("mcp_input_scanning", Parsed(Any)),
    ("mcp_tool_scanning", Parsed(Any)),
    ("mcp_tool_policy", Parsed(Any)),
    ("mcp_session_binding", Parsed(Any)),
    ("mcp_ws_listener", Parsed(Any)),
    ("mcp_binary_integrity", Parsed(Any)),
    ("mcp_tool_provenance", Parsed(Any)),
    ("mcp_data_class_labels", Parsed(Any)),
    ("tool_chain_detection", Parsed(Any)),
    ("emit", Parsed(Any)),
    ("reverse_proxy", Parsed(Any)),
    ("scan_api", Parsed(Any)),
    ("address_protection", Parsed(Any)),
    ("rules", Parsed(Any)),
    ("file_sentry", Parsed(Any)),
    ("sandbox", Parsed(Any)),
    ("flight_recorder", Parsed(Any)),
    ("behavioral_baseline", Parsed(Any)),
    ("airlock", Parsed(Any)),
    ("browser_shield", Parsed(Any)),
    ("mediation_envelope", Parsed(Any)),
    ("redaction", Parsed(Any)),
    ("agents", Parsed(Any)),
    ("default_agent_identity", Parsed(Any)),
    ("bind_default_agent_identity", Parsed(Any)),
    ("license_key", Parsed(Text)),
    ("license_file", Parsed(Text)),
    ("license_public_key", Parsed(Text)),
    ("request_policy", Parsed(Any)),
    ("defer", Parsed(Any)),
    ("health_watchdog", Parsed(Any)),
    ("containment", Parsed(Any)),
    ("evidence_provenance", Parsed(Any)),
    ("dashboard_snapshot", Parsed(Any)),
    ("learn", Parsed(Any)),
    ("learn_lock", Parsed(Any)),
    ("guard", Parsed(Any)),
    ("conductor", Parsed(Any)),
    ("dns", Section(&[("host_overrides", Parsed(Any))])),
];

const FETCH_PROXY: Keys = &[
    ("listen", Enforced(Text)),
    ("timeout_seconds", Parsed(Int)),
    ("max_response_mb", Parsed(Int)),
    ("user_agent", Parsed(Text)),
    (
        "monitoring",
        Section(&[
            ("max_url_length", Parsed(Int)),
            ("entropy_threshold", Parsed(Number)),
            ("subdomain_entropy_threshold", Parsed(Number)),
            ("max_requests_per_minute", Parsed(Int)),
            ("max_data_per_minute", Parsed(Int)),
            ("blocklist", Enforced(Texts)),
            ("subdomain_entropy_exclusions", Parsed(Texts)),
            ("query_entropy_exclusions", Parsed(Any)),
            ("path_entropy_exclusions", Parsed(Any)),
            ("scan_nested_urls", Parsed(Any)),
        ]),
    ),
];

const FORWARD_PROXY: Keys = &[
    ("enabled", Enforced(Bool)),
    ("max_tunnel_seconds", Enforced(Int)),
    ("idle_timeout_seconds", Enforced(Int)),
    ("sni_verification", Parsed(Bool)),
    ("sni_require_tls", Parsed(Bool)),
    ("redirect_websocket_hosts", Parsed(Texts)),
];

const TLS_INTERCEPTION: Keys = &[
    ("enabled", Enforced(Bool)),
    ("ca_cert", Enforced(Text)),
    ("ca_key", Enforced(Text)),
    ("passthrough_domains", Enforced(Texts)),
    ("cert_ttl", Parsed(Text)),
    ("cert_cache_size", Parsed(Int)),
    ("max_response_bytes", Parsed(Int)),
];

const DLP: Keys = &[
    ("scan_env", Parsed(Bool)),
    ("secrets_file", Parsed(Text)),
    ("min_env_secret_length", Parsed(Int)),
    ("include_defaults", Parsed(Bool)),
    (
        "patterns",
        EnforcedEntries(&[
            ("name", Enforced(Text)),
            ("regex", Enforced(Text)),
            ("severity", Enforced(Text)),
            ("validator", Enforced(Text)),
            ("exempt_domains", Enforced(Texts)),
            ("action", Enforced(Text)),
        ]),
    ),
];

const REQUEST_BODIES: Keys = &[
    ("enabled", Parsed(Bool)),
    ("action", Enforced(Text)),
    ("max_body_bytes", Parsed(Int)),
    ("scan_headers", Parsed(Bool)),
    ("header_mode", Parsed(Text)),
    ("sensitive_headers", Parsed(Texts)),
    ("ignore_headers", Parsed(Texts)),
    ("pattern_actions", Parsed(Any)),
    ("disable_patterns", Parsed(Any)),
    ("content_entropy_enabled", Parsed(Any)),
    ("content_entropy_threshold", Parsed(Any)),
    ("content_entropy_min_length", Parsed(Any)),
    ("content_entropy_action", Parsed(Any)),
    ("trusted_hosts", Parsed(Any)),
    ("sigv4_credential_routes", Parsed(Any)),
];

const RESPONSES: Keys = &[
    ("enabled", Parsed(Bool)),
    ("action", Enforced(Text)),
    ("ask_timeout_seconds", Parsed(Int)),
    ("include_defaults", Parsed(Bool)),
    ("patterns", Entries(&[("name", Parsed(Text)), ("regex", Parsed(Text))])),
    ("exempt_domains", Enforced(Texts)),
    (
        "sse_streaming",
        Section(&[
            ("enabled", Parsed(Bool)),
            ("action", Parsed(Text)),
            ("max_event_bytes", Parsed(Int)),
        ]),
    ),
    ("size_exempt_domains", Parsed(Any)),
    ("size_exempt_scan_max_bytes", Parsed(Any)),
    ("unscannable_passthrough", Parsed(Any)),
    ("authenticated_artifacts", Parsed(Any)),
];

const WEBSOCKETS: Keys = &[
    ("enabled", Parsed(Bool)),
    ("max_message_bytes", Parsed(Int)),
    ("max_concurrent_connections", Parsed(Int)),
    ("scan_text_frames", Parsed(Bool)),
    ("allow_binary_frames", Parsed(Bool)),
    ("forward_cookies", Parsed(Bool)),
    ("strip_compression", Parsed(Bool)),
    ("max_connection_seconds", Parsed(Int)),
    ("idle_timeout_seconds", Parsed(Int)),
    ("origin_policy", Parsed(Text)),
];

const LOGGING: Keys = &[
    ("format", Parsed(Text)),
    ("output", Parsed(Text)),
    ("file", Parsed(Text)),
    ("include_allowed", Parsed(Bool)),
    ("include_blocked", Parsed(Bool)),
];

const KILL_SWITCH: Keys = &[
    ("enabled", Enforced(Bool)),
    ("sentinel_file", Parsed(Text)),
    ("message", Parsed(Text)),
    ("health_exempt", Parsed(Bool)),
    ("metrics_exempt", Parsed(Bool)),
    ("api_exempt", Parsed(Bool)),
    ("api_token", Parsed(Text)),
    ("api_listen", Parsed(Text)),
    ("allowlist_ips", Parsed(Texts)),
];

const SESSIONS: Keys = &[
    ("enabled", Parsed(Bool)),
    ("anomaly_action", Parsed(Text)),
    ("domain_burst", Parsed(Int)),
    ("window_minutes", Parsed(Int)),
    ("volume_spike_ratio", Parsed(Number)),
    ("max_sessions", Parsed(Int)),
    ("session_ttl_minutes", Parsed(Int)),
    ("cleanup_interval_seconds", Parsed(Int)),
];
