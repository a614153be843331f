//! What one scripted model plays: the hosts it answers for, the credential it expects, its scripts.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The whole of a setting file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Names that are the model; a request for any other name is an arrival at the sink.
    pub hosts: Vec<String>,
    /// Without one every credential is good.
    #[serde(default)]
    pub credential: Option<Expected>,
    /// Further ports that only note who arrives.
    #[serde(default)]
    pub sinks: Vec<u16>,
    /// What the model says, by the name that a prompt gives as `[[name]]`.
    pub scripts: BTreeMap<String, Vec<Step>>,
    /// Names that say what arrived, for tests of what stands before them.
    #[serde(default)]
    pub mirrors: Vec<String>,
    /// What its token endpoint answers, one after the other; the last again and again.
    #[serde(default)]
    pub tokens: Vec<Token>,
}

/// One answer of a token endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub status: u16,
    pub body: Value,
}

/// The credential that must arrive, known by its digest alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub header: String,
    /// Lower-case hexadecimal SHA-256 of the header's value.
    pub sha256: String,
}

/// One answer of the model.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    #[serde(default)]
    pub say: String,
    #[serde(default)]
    pub tools: Vec<Tool>,
    /// The model thinks about this step until somebody runs `release`.
    #[serde(default)]
    pub hold: bool,
}

/// One tool that the agent is asked to use.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    pub name: String,
    pub input: Value,
}

impl Step {
    /// Fills in what only the running server knows: `{{address}}`, its own on the network where it
    /// was asked, and `{{gateway}}`, the first of that /28.
    #[must_use]
    pub fn at(&self, local: IpAddr) -> Self {
        let fill = |text: &str| {
            text.replace("{{address}}", &local.to_string())
                .replace("{{gateway}}", &gateway(local).to_string())
        };
        Self {
            say: fill(&self.say),
            tools: self
                .tools
                .iter()
                .map(|tool| Tool { name: tool.name.clone(), input: map(&tool.input, &fill) })
                .collect(),
            hold: self.hold,
        }
    }
}

fn gateway(local: IpAddr) -> IpAddr {
    match local.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from((u32::from(address) & !0xf) | 1)),
        address @ IpAddr::V6(_) => address,
    }
}

fn map(value: &Value, fill: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(items) => items.iter().map(|item| map(item, fill)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), map(field, fill))).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fills_in_its_own_address_and_gateway() {
        let step = Step {
            say: "at {{address}}".into(),
            tools: vec![Tool {
                name: "Bash".into(),
                input: json!({"command": "curl {{gateway}}", "list": ["{{address}}", 3]}),
            }],
            hold: false,
        };
        let filled = step.at(IpAddr::from([10, 213, 7, 20]));
        assert_eq!(filled.say, "at 10.213.7.20");
        assert_eq!(
            filled.tools[0].input,
            json!({"command": "curl 10.213.7.17", "list": ["10.213.7.20", 3]})
        );
    }
}
