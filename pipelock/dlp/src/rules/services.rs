//! Keys of chat, mail, monitoring and work services.

use crate::check;
use crate::rule::Rule;
use crate::rule::Severity::{Critical, High};

pub(super) const RULES: &[Rule] = &[
    Rule::new("slack-token", Critical, &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxe.", "xoxc-", "xoxd-"], r"xox(?:[baprsocde]-|e\.xox[bp]-)[A-Za-z0-9%/+-]{20,260}").checked(check::not_the_alphabet),
    Rule::new("slack-app-token", Critical, &["xapp-"], r"xapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{10,14}-[0-9a-f]{64}"),
    Rule::new("slack-webhook", High, &["hooks.slack.com/"], r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{40,80}").anywhere(),
    Rule::word("discord-bot-token", Critical, (23..=27, check::of_account), r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}").checked(check::discord),
    Rule::new("discord-webhook", High, &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"], r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}").anywhere(),
    Rule::new("telegram-bot-token", Critical, &[":AA"], r":AA[A-Za-z0-9_-]{33}").anywhere().standing(check::of_a_bot).checked(check::looks_random),
    Rule::new("teams-webhook", High, &[".webhook.office.com/webhookb2/"], r"\.webhook\.office\.com/webhookb2/[0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32}").anywhere(),
    Rule::new("twilio-api-key", High, &["SK0", "SK1", "SK2", "SK3", "SK4", "SK5", "SK6", "SK7", "SK8", "SK9", "SKa", "SKb", "SKc", "SKd", "SKe", "SKf"], r"SK[0-9a-f]{32}"),
    Rule::new("sendgrid-api-key", Critical, &["SG."], r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    Rule::new("mailgun-api-key", High, &["key-"], r"key-[0-9a-f]{32}"),
    Rule::new("brevo-api-key", Critical, &["xkeysib-"], r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    Rule::new("resend-api-key", Critical, &["re_"], r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,30}"),
    Rule::new("new-relic-key", Critical, &["NRAK-", "NRIQ-", "NRRA-"], r"NR(?:AK|IQ|RA)-[A-Za-z0-9_-]{27,42}"),
    Rule::new("sentry-token", High, &["sntrys_eyJ", "sntryu_"], r"(?:sntrys_eyJ[A-Za-z0-9+/=_-]{80,400}|sntryu_[0-9a-f]{64})"),
    Rule::new("grafana-token", Critical, &["glsa_", "glc_eyJ"], r"(?:glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|glc_eyJ[A-Za-z0-9+/=]{60,400})"),
    Rule::new("dynatrace-token", Critical, &["dt0c01.", "dt0s01."], r"dt0[cs]01\.[A-Z2-7]{24}\.[A-Z2-7]{64}"),
    Rule::new("datadog-app-key", Critical, &["ddapp_"], r"ddapp_[A-Za-z0-9]{34}"),
    Rule::new("linear-api-key", High, &["lin_api_", "lin_oauth_"], r"lin_(?:api_[A-Za-z0-9]{40}|oauth_[0-9a-f]{64})"),
    Rule::new("notion-api-key", High, &["ntn_", "secret_"], r"(?:ntn_[0-9]{11}[A-Za-z0-9]{35}|secret_[A-Za-z0-9]{43})"),
    Rule::new("airtable-token", Critical, &["pat"], r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    Rule::new("asana-token", High, &["1/0", "1/1", "1/2", "1/3", "1/4", "1/5", "1/6", "1/7", "1/8", "1/9", "2/0", "2/1", "2/2", "2/3", "2/4", "2/5", "2/6", "2/7", "2/8", "2/9"], r"[12]/[0-9]{14,18}(?:/[0-9]{14,18})?:[0-9a-f]{32}"),
    Rule::new("easypost-key", High, &["EZAK"], r"EZAK[A-Za-z0-9]{54}").whole(),
    Rule::new("figma-token", High, &["figd_"], r"figd_[A-Za-z0-9_-]{38,44}"),
    Rule::new("hubspot-token", High, &["pat-na1-", "pat-eu1-"], r"pat-(?:na|eu)1-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    Rule::new("launchdarkly-key", High, &["sdk-", "api-"], r"(?:sdk|api)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"),
    Rule::new("algolia-admin-key", High, &["ALGOLIA_ADMIN", "algolia_admin"], r#"(?i:algolia_admin(?:_api)?_key)["']?\s{0,4}[:=]\s{0,4}["']?[0-9a-f]{32}"#),
    Rule::new("contentful-token", High, &["CFPAT-"], r"CFPAT-[A-Za-z0-9_-]{43}"),
    Rule::new("facebook-token", High, &["EAA"], r"EAA[A-Za-z0-9]{90,260}").whole(),
];
