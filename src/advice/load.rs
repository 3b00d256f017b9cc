//! Rule files to rules, with the place of every mistake. All problems of all files are reported at once.

use std::collections::BTreeMap;

use super::model::{
    ClientPolicy, CodePattern, Condition, EventPattern, EventWord, Outcome, Party, Proof, Rule, Rules,
    Setting, Software, Way, Weight,
};
use crate::base::{Source, Span, Spanned, closest};
use crate::requirement::Capability;
use crate::scenario::yaml::{Node, Value, parse_yaml};
use crate::scenario::{LoadError, LoadErrorKind};
use crate::wire::{ReplyClass, ReplyCode};

/// The file with the names of servers and clients.
const SOFTWARE: &str = "software";

/// The closed lists of other layers.
#[derive(Clone, Copy, Debug)]
pub struct AdviceKnown<'a> {
    /// Ids of scenarios.
    pub scenarios: &'a [&'a str],
    /// Faults of the embedded server.
    pub faults: &'a [&'a str],
    /// Ids of requirements.
    pub requirements: &'a [&'a str],
}

/// Reads rule files: path and text. The rules are of use only when there is no problem.
#[must_use]
pub fn load(files: &[(String, String)], known: &AdviceKnown<'_>) -> (Rules, Vec<LoadError>) {
    let mut rules = Rules::default();
    let mut problems = Vec::new();
    let is_software = |path: &str| file_id(path) == SOFTWARE;
    // The names come first: rules use them.
    for (path, text) in files.iter().filter(|(path, _)| is_software(path)) {
        with_file(path, text, known, &mut problems, |file, node| {
            let mut map = file.map(node, "the list of software", &["server", "client"]);
            rules.servers = map
                .take("server")
                .map_or_else(BTreeMap::new, |node| file.software(node));
            rules.clients = map
                .take("client")
                .map_or_else(BTreeMap::new, |node| file.software(node));
        });
    }
    for (path, text) in files.iter().filter(|(path, _)| !is_software(path)) {
        let names = (&rules.servers, &rules.clients);
        let mut rule = None;
        with_file(path, text, known, &mut problems, |file, node| {
            rule = file.rule(node, names);
        });
        rules.rules.extend(rule);
    }
    rules.rules.sort_by(|a, b| a.id.cmp(&b.id));
    (rules, problems)
}

/// The name of the file without folder and `.yaml`.
fn file_id(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".yaml").unwrap_or(name)
}

fn with_file(
    path: &str,
    text: &str,
    known: &AdviceKnown<'_>,
    problems: &mut Vec<LoadError>,
    read: impl FnOnce(&mut File<'_>, &Node),
) {
    let mut file = File {
        source: Source::new(path, text),
        known,
        problems: Vec::new(),
    };
    match parse_yaml(text) {
        Ok(node) => read(&mut file, &node),
        Err(problem) => {
            let (what, context) = (problem.message, String::new());
            let kind = if problem.refused {
                LoadErrorKind::Refused { what, context }
            } else {
                LoadErrorKind::Syntax { what, context }
            };
            file.note(problem.span, kind, problem.help.map(str::to_owned));
        }
    }
    problems.append(&mut file.problems);
}

/// One file under reading.
struct File<'a> {
    source: Source,
    known: &'a AdviceKnown<'a>,
    problems: Vec<LoadError>,
}

/// The keys of a mapping that were not taken yet.
struct Keys<'n> {
    entries: Vec<(&'n Spanned<String>, &'n Node)>,
    span: Span,
}

impl<'n> Keys<'n> {
    fn take(&mut self, key: &str) -> Option<&'n Node> {
        let at = self.entries.iter().position(|(name, _)| name.value == key)?;
        Some(self.entries.remove(at).1)
    }
}

type Names<'a> = (&'a BTreeMap<String, Software>, &'a BTreeMap<String, Software>);

const RULE_KEYS: &[&str] = &[
    "title",
    "weight",
    "when",
    "unless",
    "means",
    "who",
    "safe",
    "server",
    "client",
    "fires-on",
    "silent-on",
];
const PROOF_KEYS: &[&str] = &["faults", "requires", "policy", "way", "wrong-login", "masquerade"];
const CONDITION_KEYS: &[&str] = &[
    "case",
    "is",
    "tls",
    "requirement",
    "event",
    "channel",
    "code",
    "text",
    "policy",
    "way",
];

impl File<'_> {
    fn note(&mut self, span: Span, kind: LoadErrorKind, help: Option<String>) {
        self.problems.push(LoadError {
            source: self.source.clone(),
            span,
            kind,
            help,
        });
    }

    fn rule(&mut self, node: &Node, (servers, clients): Names<'_>) -> Option<Rule> {
        let before = self.problems.len();
        let mut keys = self.map(node, "a rule", RULE_KEYS);
        let title = self.needed(&mut keys, "title").map(|node| self.text(node));
        let weight = self.needed(&mut keys, "weight");
        let weight = weight.and_then(|node| self.word(node, "weight", Weight::WORDS, Weight::by_name));
        let when = self.needed(&mut keys, "when").map(|node| self.conditions(node));
        let unless = keys.take("unless").map(|node| self.conditions(node));
        let means = self.needed(&mut keys, "means").map(|node| self.text(node));
        let who = self
            .needed(&mut keys, "who")
            .map(|node| self.list(node))
            .unwrap_or_default();
        let who = who
            .into_iter()
            .filter_map(|node| self.word(node, "party", Party::WORDS, Party::by_name))
            .collect();
        let safe = keys.take("safe").map(|node| self.text(node)).unwrap_or_default();
        let server = keys
            .take("server")
            .map(|node| self.settings(node, "server", servers));
        let client = keys
            .take("client")
            .map(|node| self.settings(node, "client", clients));
        let fires_on = self.needed(&mut keys, "fires-on").map(|node| self.proof(node))?;
        let silent_on = keys.take("silent-on").map_or_else(
            || Proof {
                policy: fires_on.policy,
                way: fires_on.way,
                ..Proof::default()
            },
            |node| self.proof(node),
        );
        let rule = Rule {
            id: file_id(self.source.name()).to_owned(),
            source: self.source.clone(),
            title: title?,
            weight: weight?,
            when: when?,
            unless: unless.unwrap_or_default(),
            means: means?,
            who,
            safe,
            server: server.unwrap_or_default(),
            client: client.unwrap_or_default(),
            fires_on,
            silent_on,
        };
        (self.problems.len() == before).then_some(rule)
    }

    fn conditions(&mut self, node: &Node) -> Vec<Condition> {
        let items = self.list(node);
        if items.is_empty() {
            let (what, context) = ("when".to_owned(), String::new());
            self.note(node.span, LoadErrorKind::Empty { what, context }, None);
        }
        items
            .into_iter()
            .filter_map(|item| self.condition(item))
            .collect()
    }

    fn condition(&mut self, node: &Node) -> Option<Condition> {
        let mut keys = self.map(node, "a condition", CONDITION_KEYS);
        if let Some(policy) = keys.take("policy") {
            self.nothing_else(&keys, "policy");
            let policy = self.word(policy, "policy", ClientPolicy::WORDS, ClientPolicy::by_name)?;
            return Some(Condition::Policy(policy));
        }
        if let Some(way) = keys.take("way") {
            self.nothing_else(&keys, "way");
            return Some(Condition::Way(self.word(way, "way", Way::WORDS, Way::by_name)?));
        }
        let scenario = self.needed(&mut keys, "case");
        let scenario = scenario.and_then(|node| self.member(node, "scenario", self.known.scenarios))?;
        let tls = match keys.take("tls") {
            None => None,
            Some(node) => Some(self.member(node, "TLS version", &["tls1.2", "tls1.3"])?),
        };
        if let Some(word) = keys.take("event") {
            let event = self.event(word, &mut keys)?;
            self.nothing_else(&keys, "event");
            return Some(Condition::Event { scenario, tls, event });
        }
        let requirement = match keys.take("requirement") {
            None => None,
            Some(node) => Some(self.member(node, "requirement", self.known.requirements)?),
        };
        let is = self.needed(&mut keys, "is");
        let is = is.and_then(|node| self.word(node, "outcome", Outcome::WORDS, Outcome::by_name))?;
        self.nothing_else(&keys, "case");
        Some(Condition::Case {
            scenario,
            tls,
            requirement,
            is,
        })
    }

    fn event(&mut self, word: &Node, keys: &mut Keys<'_>) -> Option<EventPattern> {
        let word = self.word(word, "event", EventWord::WORDS, EventWord::by_name)?;
        let on_data = match keys.take("channel") {
            None => None,
            Some(node) => Some(self.member(node, "channel", &["control", "data"])? == "data"),
        };
        let codes = match keys.take("code") {
            None => Vec::new(),
            Some(node) => self
                .list(node)
                .into_iter()
                .filter_map(|node| self.code(node))
                .collect(),
        };
        let text = keys.take("text").map(|node| self.text(node));
        Some(EventPattern {
            word,
            on_data,
            codes,
            text,
        })
    }

    fn code(&mut self, node: &Node) -> Option<CodePattern> {
        let text = self.text(node);
        let code = text.parse().ok().and_then(ReplyCode::new).map(CodePattern::Code);
        let pattern = code.or_else(|| ReplyClass::by_name(&text).map(CodePattern::Class));
        if pattern.is_none() {
            let kind = LoadErrorKind::BadValue {
                what: text,
                context: "a reply code (`503`) or a class (`5yz`)".into(),
            };
            self.note(node.span, kind, None);
        }
        pattern
    }

    fn proof(&mut self, node: &Node) -> Proof {
        let mut keys = self.map(node, "a proof", PROOF_KEYS);
        let faults = keys
            .take("faults")
            .map(|node| self.list(node))
            .unwrap_or_default();
        let requires = keys
            .take("requires")
            .map(|node| self.list(node))
            .unwrap_or_default();
        Proof {
            faults: faults
                .into_iter()
                .filter_map(|node| self.member(node, "fault", self.known.faults))
                .collect(),
            requires: requires
                .into_iter()
                .filter_map(|node| self.capability(node))
                .collect(),
            policy: keys
                .take("policy")
                .and_then(|node| self.word(node, "policy", ClientPolicy::WORDS, ClientPolicy::by_name)),
            way: keys
                .take("way")
                .and_then(|node| self.word(node, "way", Way::WORDS, Way::by_name)),
            wrong_login: self.flag(&mut keys, "wrong-login"),
            masquerade: self.flag(&mut keys, "masquerade"),
        }
    }

    fn flag(&mut self, keys: &mut Keys<'_>, key: &str) -> bool {
        keys.take(key)
            .and_then(|node| self.member(node, "value", &["true", "false"]))
            .is_some_and(|word| word == "true")
    }

    fn capability(&mut self, node: &Node) -> Option<Capability> {
        let names: Vec<&str> = Capability::ALL
            .iter()
            .map(|capability| capability.name())
            .collect();
        self.member(node, "capability", &names)?.parse().ok()
    }

    fn settings(&mut self, node: &Node, what: &str, known: &BTreeMap<String, Software>) -> Vec<Setting> {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        self.entries(node)
            .into_iter()
            .filter_map(|(key, value)| {
                let set = self.text(value);
                self.is_member(&key.value, key.span, what, &names)
                    .then(|| Setting {
                        software: key.value.clone(),
                        set,
                    })
            })
            .collect()
    }

    fn software(&mut self, node: &Node) -> BTreeMap<String, Software> {
        let mut all = BTreeMap::new();
        for (key, value) in self.entries(node) {
            let mut keys = self.map(value, "a server or client", &["title", "says"]);
            let title = self.needed(&mut keys, "title").map(|node| self.text(node));
            let says = keys.take("says").map(|node| self.list(node)).unwrap_or_default();
            let says = says.into_iter().map(|node| self.text(node)).collect();
            if let Some(title) = title {
                all.insert(key.value.clone(), Software { title, says });
            }
        }
        all
    }

    /// The keys of a mapping; those that are unknown or double are noted and left out.
    fn map<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Keys<'n> {
        let mut entries: Vec<(&Spanned<String>, &Node)> = Vec::new();
        for (key, value) in self.entries(node) {
            let (name, context) = (key.value.clone(), what.to_owned());
            if !known.contains(&key.value.as_str()) {
                let help = suggest(&key.value, known);
                self.note(key.span, LoadErrorKind::UnknownKey { what: name, context }, help);
            } else if entries.iter().any(|(seen, _)| seen.value == key.value) {
                self.note(
                    key.span,
                    LoadErrorKind::DuplicateKey { what: name, context },
                    None,
                );
            } else {
                entries.push((key, value));
            }
        }
        Keys {
            entries,
            span: node.span,
        }
    }

    fn entries<'n>(&mut self, node: &'n Node) -> Vec<(&'n Spanned<String>, &'n Node)> {
        match &node.value {
            Value::Map(entries) => entries.iter().map(|(key, value)| (key, value)).collect(),
            _ => {
                self.wrong_type(node, "a mapping");
                Vec::new()
            }
        }
    }

    fn needed<'n>(&mut self, keys: &mut Keys<'n>, key: &str) -> Option<&'n Node> {
        let found = keys.take(key);
        if found.is_none() {
            let (what, context) = (key.to_owned(), "this mapping".to_owned());
            let span = Span::new(keys.span.start, keys.span.start + 1);
            self.note(span, LoadErrorKind::MissingKey { what, context }, None);
        }
        found
    }

    fn nothing_else(&mut self, keys: &Keys<'_>, with: &str) {
        for (key, _) in &keys.entries {
            let kind = LoadErrorKind::ConflictingKeys {
                what: format!("`{}` does not go with `{with}`", key.value),
                context: "a condition".into(),
            };
            self.note(key.span, kind, None);
        }
    }

    fn list<'n>(&mut self, node: &'n Node) -> Vec<&'n Node> {
        match &node.value {
            Value::List(items) => items.iter().collect(),
            _ => {
                self.wrong_type(node, "a list");
                Vec::new()
            }
        }
    }

    /// A text with its line breaks made spaces.
    fn text(&mut self, node: &Node) -> String {
        match &node.value {
            Value::Scalar(scalar) => scalar.text.split_whitespace().collect::<Vec<_>>().join(" "),
            _ => {
                self.wrong_type(node, "a text");
                String::new()
            }
        }
    }

    fn word<T>(
        &mut self,
        node: &Node,
        what: &str,
        known: &[&str],
        by_name: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let word = self.member(node, what, known)?;
        by_name(&word)
    }

    fn member(&mut self, node: &Node, what: &str, known: &[&str]) -> Option<String> {
        let word = self.text(node);
        self.is_member(&word, node.span, what, known).then_some(word)
    }

    fn is_member(&mut self, word: &str, span: Span, what: &str, known: &[&str]) -> bool {
        let is_known = known.contains(&word);
        if !is_known {
            let kind = LoadErrorKind::UnknownWord {
                what: word.to_owned(),
                context: what.to_owned(),
            };
            self.note(span, kind, suggest(word, known));
        }
        is_known
    }

    fn wrong_type(&mut self, node: &Node, expected: &str) {
        let what = match &node.value {
            Value::Null => "nothing",
            Value::Scalar(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        };
        let (what, context) = (what.to_owned(), expected.to_owned());
        self.note(node.span, LoadErrorKind::WrongType { what, context }, None);
    }
}

fn suggest(word: &str, known: &[&str]) -> Option<String> {
    match closest(word, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.len() <= 24 => Some(format!("known here: {}", known.join(", "))),
        None => None,
    }
}
