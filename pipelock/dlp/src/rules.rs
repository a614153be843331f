//! The rules, by who issues the credential. Of our own writing, from the issuers' public documents.

mod ai;
mod cloud;
mod code;
mod keys;
mod money;
mod people;
mod services;

use crate::rule::Rule;

/// Every built-in rule, in the order of the tables.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    let tables: [&[Rule]; 7] = [
        ai::RULES,
        cloud::RULES,
        code::RULES,
        keys::RULES,
        money::RULES,
        people::RULES,
        services::RULES,
    ];
    tables.into_iter().flatten()
}

#[cfg(test)]
mod tests;
