//! What a person looks at, and what a key does there. Whatever they chose is kept by name: rows come
//! and go.

use ratatui::Frame;

use crate::draw;
use crate::model::{Bottle, Model, Proposal};
use crate::stage::Key;

/// The longest reason that can be typed.
const REASON: usize = 500;
/// How far a page goes.
const PAGE: usize = 10;

/// The views.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum View {
    /// Every bottle, and what was denied lately.
    #[default]
    Bottles,
    /// One of them: services, routes, its denials.
    Bottle,
    /// What waits for an answer.
    Proposals,
    /// The end of one service's log.
    Logs,
}

/// What a key asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wish {
    Quit,
    /// Yes to exactly this change.
    Approve {
        name: String,
        change: String,
    },
    Deny {
        name: String,
        reason: String,
    },
}

/// What the keys mean at the moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Mode {
    #[default]
    Looking,
    /// A change was shown, and is to be confirmed.
    Approving { name: String, change: String },
    /// A reason is typed.
    Denying { name: String, reason: String },
}

/// A person's place.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    pub(crate) view: View,
    pub(crate) colour: bool,
    pub(crate) mode: Mode,
    /// What became of the last wish.
    pub(crate) note: Option<String>,
    pub(crate) scroll: usize,
    bottle: Option<String>,
    proposal: Option<String>,
    service: Option<String>,
}

impl Screen {
    /// A screen on every bottle.
    pub fn new(colour: bool) -> Self {
        Self { colour, ..Self::default() }
    }

    /// Draws what is known now.
    pub fn draw(&self, model: &Model, frame: &mut Frame<'_>) {
        draw::screen(self, model, frame);
    }

    /// Tells what became of a wish, until the next key.
    pub fn tell(&mut self, note: impl Into<String>) {
        self.note = Some(note.into());
    }

    pub const fn view(&self) -> View {
        self.view
    }

    /// The bottle that was chosen, or the first.
    pub fn bottle<'a>(&self, model: &'a Model) -> Option<&'a Bottle> {
        let chosen = self.bottle.as_deref().and_then(|name| model.bottle(name));
        chosen.or_else(|| model.bottles.first())
    }

    /// The proposal that was chosen, or the first.
    pub fn proposal<'a>(&self, model: &'a Model) -> Option<&'a Proposal> {
        let name = self.proposal.as_deref();
        let chosen = model.proposals.iter().find(|proposal| Some(proposal.name.as_str()) == name);
        chosen.or_else(|| model.proposals.first())
    }

    /// The service whose log is looked at.
    pub fn service<'a>(&self, model: &'a Model) -> Option<&'a str> {
        let services = &self.bottle(model)?.services;
        let name = self.service.as_deref();
        let chosen = services.iter().find(|service| Some(service.name.as_str()) == name);
        chosen.or_else(|| services.first()).map(|service| service.name.as_str())
    }

    /// What a key asks for, where it asks for something that is not the screen's own.
    pub fn key(&mut self, key: Key, model: &Model) -> Option<Wish> {
        self.note = None;
        if key == Key::Null {
            return Some(Wish::Quit);
        }
        match std::mem::take(&mut self.mode) {
            Mode::Looking => self.look(key, model),
            Mode::Approving { name, change } => {
                if let Key::Char('y' | 'Y') = key {
                    return Some(Wish::Approve { name, change });
                }
                self.tell("nothing was changed");
                None
            }
            Mode::Denying { name, reason } => self.deny(key, name, reason),
        }
    }

    fn look(&mut self, key: Key, model: &Model) -> Option<Wish> {
        match key {
            Key::Char('q') => return Some(Wish::Quit),
            Key::Char('1') | Key::Esc => self.go(View::Bottles),
            Key::Char('2') | Key::Enter if self.view == View::Bottles => self.go(View::Bottle),
            Key::Char('2') => self.go(View::Bottle),
            Key::Char('3' | 'p') => self.go(View::Proposals),
            Key::Char('4' | 'l') => self.go(View::Logs),
            Key::Tab => self.go(self.view.next()),
            Key::Down | Key::Char('j') => self.step(model, 1),
            Key::Up | Key::Char('k') => self.step(model, -1),
            Key::Right if self.view == View::Logs => self.turn(model, 1),
            Key::Left if self.view == View::Logs => self.turn(model, -1),
            // A log is read from its end, everything else from its beginning.
            Key::PageUp if self.view == View::Logs => self.scroll += PAGE,
            Key::PageDown if self.view == View::Logs => self.scroll = self.back(),
            Key::PageDown | Key::Char(' ') => self.scroll += PAGE,
            Key::PageUp => self.scroll = self.back(),
            Key::Char('a') if self.view == View::Proposals => self.approve(model),
            Key::Char('d') if self.view == View::Proposals => {
                if let Some(proposal) = self.proposal(model) {
                    let name = proposal.name.clone();
                    self.mode = Mode::Denying { name, reason: String::new() };
                }
            }
            _ => {}
        }
        None
    }

    const fn back(&self) -> usize {
        self.scroll.saturating_sub(PAGE)
    }

    fn go(&mut self, view: View) {
        (self.view, self.scroll) = (view, 0);
    }

    /// Chooses a row further down or up.
    fn step(&mut self, model: &Model, by: isize) {
        let moved = |names: Vec<&String>, chosen: Option<&String>| {
            let at = names.iter().position(|name| Some(*name) == chosen).unwrap_or(0);
            let at = at.saturating_add_signed(by).min(names.len().saturating_sub(1));
            names.get(at).map(|name| (*name).clone())
        };
        match self.view {
            View::Proposals => {
                let names = model.proposals.iter().map(|proposal| &proposal.name).collect();
                self.proposal = moved(names, self.proposal(model).map(|chosen| &chosen.name));
                self.scroll = 0;
            }
            View::Bottles | View::Bottle | View::Logs => {
                let names = model.bottles.iter().map(|bottle| &bottle.name).collect();
                self.bottle = moved(names, self.bottle(model).map(|chosen| &chosen.name));
                self.scroll = 0;
            }
        }
    }

    /// Chooses another service's log.
    fn turn(&mut self, model: &Model, by: isize) {
        let services = self.bottle(model).map(|bottle| bottle.services.as_slice());
        let services = services.unwrap_or_default();
        let chosen = self.service(model);
        let at = services.iter().position(|service| Some(service.name.as_str()) == chosen);
        let at = at.unwrap_or(0).saturating_add_signed(by).min(services.len().saturating_sub(1));
        self.service = services.get(at).map(|service| service.name.clone());
        self.scroll = 0;
    }

    fn approve(&mut self, model: &Model) {
        match self.proposal(model) {
            Some(Proposal { name, change: Some(change), .. }) => {
                let (name, change) = (name.clone(), change.clone());
                self.mode = Mode::Approving { name, change };
            }
            Some(_) => self.tell("this cannot be granted; d denies it"),
            None => {}
        }
    }

    fn deny(&mut self, key: Key, name: String, mut reason: String) -> Option<Wish> {
        match key {
            Key::Enter => return Some(Wish::Deny { name, reason }),
            Key::Esc => {
                self.tell("nothing was answered");
                return None;
            }
            Key::Backspace => drop(reason.pop()),
            Key::Char(c) if !c.is_control() && reason.len() < REASON => reason.push(c),
            _ => {}
        }
        self.mode = Mode::Denying { name, reason };
        None
    }
}

impl View {
    pub(crate) const ALL: [Self; 4] = [Self::Bottles, Self::Bottle, Self::Proposals, Self::Logs];

    const fn next(self) -> Self {
        match self {
            Self::Bottles => Self::Bottle,
            Self::Bottle => Self::Proposals,
            Self::Proposals => Self::Logs,
            Self::Logs => Self::Bottles,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        let proposal = |name: &str, change: Option<&str>| Proposal {
            name: name.to_owned(),
            change: change.map(str::to_owned),
            ..Proposal::default()
        };
        let bottle = |name: &str| Bottle { name: name.to_owned(), ..Bottle::default() };
        Model {
            bottles: vec![bottle("a"), bottle("b")],
            proposals: vec![proposal("a/1", Some("c1")), proposal("b/2", None)],
            ..Model::default()
        }
    }

    fn press(screen: &mut Screen, model: &Model, keys: &[Key]) -> Option<Wish> {
        keys.iter().fold(None, |_, key| screen.key(*key, model))
    }

    #[test]
    fn a_yes_is_to_the_change_that_was_on_the_screen() {
        let (mut screen, mut model) = (Screen::new(false), model());
        assert_eq!(press(&mut screen, &model, &[Key::Char('a')]), None, "not from another view");
        assert_eq!(screen.mode, Mode::Looking);
        press(&mut screen, &model, &[Key::Char('p'), Key::Char('a')]);
        // It changes while the question stands there.
        model.proposals[0].change = Some("c2".to_owned());
        let wish = press(&mut screen, &model, &[Key::Char('y')]);
        let (name, change) = ("a/1".to_owned(), "c1".to_owned());
        assert_eq!(wish, Some(Wish::Approve { name, change }));
        // Anything but yes is no.
        for no in [Key::Char('n'), Key::Esc, Key::Enter, Key::Char('a'), Key::Char('q')] {
            assert_eq!(press(&mut screen, &model, &[Key::Char('a'), no]), None, "{no:?}");
            assert_eq!(screen.mode, Mode::Looking);
        }
        // What cannot be granted is not asked about.
        press(&mut screen, &model, &[Key::Down, Key::Char('a')]);
        assert_eq!(screen.mode, Mode::Looking);
    }

    #[test]
    fn a_no_carries_a_reason_and_keys_are_letters_while_it_is_typed() {
        let (mut screen, model) = (Screen::new(false), model());
        press(&mut screen, &model, &[Key::Char('p'), Key::Down, Key::Char('d')]);
        let typed = [Key::Char('q'), Key::Char('x'), Key::Backspace, Key::Char('y'), Key::Enter];
        let wish = press(&mut screen, &model, &typed);
        let (name, reason) = ("b/2".to_owned(), "qy".to_owned());
        assert_eq!(wish, Some(Wish::Deny { name, reason }));
        assert_eq!(press(&mut screen, &model, &[Key::Char('d'), Key::Esc]), None);
        assert_eq!(screen.mode, Mode::Looking);
        for _ in 0..REASON * 2 {
            press(&mut screen, &model, &[Key::Char('d')]);
        }
        assert!(matches!(&screen.mode, Mode::Denying { reason, .. } if reason.len() <= REASON));
    }

    #[test]
    fn what_was_chosen_stays_chosen_when_rows_come_and_go() {
        let (mut screen, mut model) = (Screen::new(false), model());
        press(&mut screen, &model, &[Key::Down, Key::Down]);
        assert_eq!(screen.bottle(&model).unwrap().name, "b");
        model.bottles.insert(0, Bottle { name: "0".to_owned(), ..Bottle::default() });
        assert_eq!(screen.bottle(&model).unwrap().name, "b");
        model.bottles.retain(|bottle| bottle.name != "b");
        assert_eq!(screen.bottle(&model).unwrap().name, "0");
        press(&mut screen, &Model::default(), &[Key::Down, Key::Up, Key::Right, Key::Char('a')]);
    }

    #[test]
    fn q_and_ctrl_c_leave() {
        let (mut screen, model) = (Screen::new(false), model());
        assert_eq!(press(&mut screen, &model, &[Key::Char('q')]), Some(Wish::Quit));
        // Ctrl-C also while something is typed.
        let keys = [Key::Char('p'), Key::Char('d'), Key::Null];
        assert_eq!(press(&mut screen, &model, &keys), Some(Wish::Quit));
    }
}
