//! Numbers of people: cards, accounts, identities. Each is checked, for digits alone prove little.

use crate::check;
use crate::rule::Rule;
use crate::rule::Severity::{Low, Medium};

pub(super) const RULES: &[Rule] = &[
    Rule::number("credit-card", Medium, check::of_card, r"(?:4[0-9]{3}|5[1-5][0-9]{2}|3[47][0-9]{2}|6011|65[0-9]{2}|2[2-7][0-9]{2})(?:[ -]?[0-9]{4}){2}(?:[ -]?[0-9]{3,4})").checked(check::luhn).whole().standing(check::not_in_a_row),
    Rule::number("iban", Medium, check::of_account_number, r"(?:DE|GB|FR|ES|IT|NL|BE|AT|CH|PL|SE|DK|NO|FI|IE|PT|LU|CZ)[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?").checked(check::iban).whole(),
    Rule::new("social-security-number", Low, &["SSN", "ssn", "Social", "social"], r"(?i:ssn|social security(?: number)?)[\x22']?\s{0,4}[:=#]?\s{0,4}[\x22']?[0-9]{3}-[0-9]{2}-[0-9]{4}"),
];
