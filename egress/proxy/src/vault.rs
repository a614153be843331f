//! The secrets this process was given, by their names on the host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use compose_render::Secret;
use egress::{Credential, Form, Routes};

use crate::echo::Needles;
use crate::inject::{Secrets, needles_of};

/// So many credentials are looked for without making what is looked for anew.
const KEPT: usize = 64;

/// Holds each secret once. A new value is seen by the next request; one under way keeps the old.
#[derive(Debug)]
pub(crate) struct Vault {
    secrets: ArcSwap<BTreeMap<String, Arc<Secret>>>,
    /// What is looked for of each: all its encodings, made at its first use.
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    credential: Credential,
    secret: Arc<Secret>,
    needles: Needles,
}

impl Vault {
    pub(crate) fn new(secrets: BTreeMap<String, Secret>) -> Self {
        let shared = secrets.into_iter().map(|(name, secret)| (name, Arc::new(secret)));
        Self { secrets: ArcSwap::from_pointee(shared.collect()), kept: Mutex::default() }
    }

    /// Takes new values in. Names that are not among them keep theirs.
    pub(crate) fn replace(&self, news: &BTreeMap<String, Secret>) {
        self.secrets.rcu(|held| {
            let mut next = BTreeMap::clone(held);
            next.extend(news.iter().map(|(name, secret)| (name.clone(), Arc::new(secret.clone()))));
            next
        });
        // Values that are gone are held nowhere.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What the routes need and cannot get, one sentence each, without a value in it.
    pub(crate) fn missing(&self, routes: &Routes) -> Vec<String> {
        let held = self.secrets.load();
        let fault = |variable: &str, form: &Form| match held.get(variable) {
            None => Some(format!("the credential `{variable}` is missing")),
            Some(secret) => egress::check_secret(form, secret.expose())
                .err()
                .map(|fault| format!("the credential `{variable}` cannot be used: {fault}")),
        };
        let credentials = routes.iter().flat_map(|route| &route.credentials);
        let mut faults: Vec<_> = credentials
            .filter_map(|credential| fault(credential.variable.as_str(), &credential.form))
            .collect();
        faults.sort();
        faults.dedup();
        faults
    }
}

impl Secrets for Vault {
    fn secret(&self, variable: &str) -> Option<Arc<Secret>> {
        self.secrets.load().get(variable).cloned()
    }

    fn needles(&self, credential: &Credential, secret: &Arc<Secret>) -> Needles {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |kept: &&Kept| Arc::ptr_eq(&kept.secret, secret) && kept.credential == *credential;
        if let Some(kept) = kept.iter().find(same) {
            return kept.needles.clone();
        }
        let needles = needles_of(credential, secret.expose());
        if kept.len() >= KEPT {
            kept.clear();
        }
        let (credential, secret) = (credential.clone(), Arc::clone(secret));
        kept.push(Kept { credential, secret, needles: needles.clone() });
        needles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egress::Route;

    fn secrets(values: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::new((*value).into()));
        values.iter().map(own).collect()
    }

    #[test]
    fn g9_a_new_value_replaces_the_old_one_and_leaves_the_others() {
        let vault = Vault::new(secrets(&[("A", "canary-old"), ("B", "canary-b")]));
        vault.replace(&secrets(&[("A", "canary-new")]));
        assert_eq!(vault.secret("A").unwrap().expose(), "canary-new");
        assert_eq!(vault.secret("B").unwrap().expose(), "canary-b");
        assert!(!format!("{vault:?}").contains("canary"));
    }

    #[test]
    fn g5_what_is_looked_for_follows_the_value() {
        let vault = Vault::new(secrets(&[("A", "canary-old-0123456789")]));
        let credential =
            Credential { variable: "A".parse().unwrap(), form: Form::Bearer, placeholder: None };
        let finds = |text: &str| {
            let needles = vault.needles(&credential, &vault.secret("A").unwrap());
            needles.replaced(text.as_bytes()).is_some()
        };
        for _ in 0..2 {
            assert!(finds("canary-old-0123456789") && !finds("canary-new-0123456789"));
        }
        vault.replace(&secrets(&[("A", "canary-new-0123456789")]));
        assert!(finds("canary-new-0123456789") && !finds("canary-old-0123456789"));
        assert!(!format!("{vault:?}").contains("canary"));
    }

    #[test]
    fn g3_g7_what_is_missing_is_named_and_no_value_is() {
        let credential = |variable: &str| Credential {
            variable: variable.parse().unwrap(),
            form: Form::Bearer,
            placeholder: None,
        };
        let route = Route {
            credentials: vec![credential("A"), credential("B"), credential("C")],
            ..Route::to("api.test".parse().unwrap())
        };
        let vault = Vault::new(secrets(&[("A", "canary-good"), ("B", "canary\r\nx")]));
        let missing = vault.missing(&Routes::new(vec![route])).join("\n");
        assert_eq!(
            missing,
            "the credential `B` cannot be used: it has a line break or another control character in it\n\
             the credential `C` is missing"
        );
    }
}
