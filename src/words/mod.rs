//! What the hosted pages say, in the languages of the people who read them.
//!
//! One file per language under `templates/messages`, in Fluent's format, which translators and their tools know. All
//! are part of the binary; English is complete (a test says so of the others, too) and stands in where a message
//! could be missing.

mod choose;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use minijinja::value::{Kwargs, Object};
use minijinja::{Error, ErrorKind, State, Value};
use thiserror::Error;
use unic_langid::{CharacterDirection, LanguageIdentifier};

/// The default language: its tag (BCP 47), what it calls itself, and its messages.
const DEFAULT: Source = ("en", "English", include_str!("../../templates/messages/en.ftl"));
/// The others, in the order in which a person chooses among them.
const OTHERS: [Source; 11] = [
    ("id", "Bahasa Indonesia", include_str!("../../templates/messages/id.ftl")),
    ("de", "Deutsch", include_str!("../../templates/messages/de.ftl")),
    ("es", "Español", include_str!("../../templates/messages/es.ftl")),
    ("fr", "Français", include_str!("../../templates/messages/fr.ftl")),
    ("it", "Italiano", include_str!("../../templates/messages/it.ftl")),
    ("ja", "日本語", include_str!("../../templates/messages/ja.ftl")),
    ("ko", "한국어", include_str!("../../templates/messages/ko.ftl")),
    ("pt-BR", "Português (Brasil)", include_str!("../../templates/messages/pt-BR.ftl")),
    ("zh-CN", "简体中文", include_str!("../../templates/messages/zh-CN.ftl")),
    ("zh-TW", "繁體中文", include_str!("../../templates/messages/zh-TW.ftl")),
    ("ar", "العربية", include_str!("../../templates/messages/ar.ftl")),
];

type Source = (&'static str, &'static str, &'static str);

/// A message file that cannot be used.
#[derive(Debug, Error)]
#[error("messages of {language}: {what}")]
pub struct WordsError {
    language: &'static str,
    what: String,
}

/// One language.
pub struct Language {
    tag: &'static str,
    name: &'static str,
    id: LanguageIdentifier,
    messages: FluentBundle<FluentResource>,
    /// Asked where this one has no such message.
    fallback: Option<Arc<Language>>,
}

/// Every language.
pub struct Words {
    default: Arc<Language>,
    all: Vec<Arc<Language>>,
}

impl Words {
    /// Reads every message file.
    ///
    /// # Errors
    /// A file that is not in Fluent's format.
    pub fn new() -> Result<Self, WordsError> {
        let default = Arc::new(Language::read(DEFAULT, None)?);
        let mut all = vec![Arc::clone(&default)];
        for source in OTHERS {
            all.push(Arc::new(Language::read(source, Some(Arc::clone(&default)))?));
        }
        Ok(Self { default, all })
    }

    /// Every language, the default one first.
    pub fn all(&self) -> &[Arc<Language>] {
        &self.all
    }

    /// The language that stands in for every other.
    pub const fn default(&self) -> &Arc<Language> {
        &self.default
    }

    /// The language called exactly so.
    pub fn tagged(&self, tag: &str) -> Option<&Arc<Language>> {
        self.all.iter().find(|language| language.tag == tag)
    }
}

impl Language {
    fn read((tag, name, source): Source, fallback: Option<Arc<Self>>) -> Result<Self, WordsError> {
        let fault = |what: String| WordsError { language: tag, what };
        let id: LanguageIdentifier = tag.parse().map_err(|error| fault(format!("{error}")))?;
        let resource =
            FluentResource::try_new(source.to_owned()).map_err(|(_, errors)| fault(format!("{errors:?}")))?;
        let mut messages = FluentBundle::new_concurrent(vec![id.clone()]);
        // Where sentences run from right to left, every name is kept apart from them; elsewhere see `isolated`.
        messages.set_use_isolating(is_right_to_left(&id));
        messages.add_resource(resource).map_err(|errors| fault(format!("{errors:?}")))?;
        Ok(Self { tag, name, id, messages, fallback })
    }

    /// Its tag, for `lang`.
    pub const fn tag(&self) -> &'static str {
        self.tag
    }

    /// What it calls itself.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// `ltr` or `rtl`, for `dir`.
    pub fn direction(&self) -> &'static str {
        if is_right_to_left(&self.id) { "rtl" } else { "ltr" }
    }

    /// A message with its variables filled in, as plain text; `None` when there is no such message.
    pub fn say(&self, message: &str, variables: &[(&str, &str)]) -> Option<String> {
        let mut arguments = FluentArgs::new();
        for (name, value) in variables {
            arguments.set(*name, self.isolated((*value).to_owned()));
        }
        self.tell(message, &arguments)
    }

    /// A name that may run the other way than the sentence around it, between marks that keep the two apart
    /// (Unicode Bidirectional Algorithm, 2.4.2). Plain names stay plain: people and scripts search for them.
    fn isolated(&self, name: String) -> String {
        // Marks of its own would end ours, and turn the rest of the sentence around.
        let name: String = name.chars().filter(|letter| !turns(*letter)).collect();
        if name.is_ascii() || is_right_to_left(&self.id) { name } else { format!("\u{2068}{name}\u{2069}") }
    }

    fn tell(&self, message: &str, arguments: &FluentArgs<'_>) -> Option<String> {
        let mut errors = Vec::new();
        let pattern = self.messages.get_message(message).and_then(|message| message.value());
        let said = pattern.map(|pattern| self.messages.format_pattern(pattern, Some(arguments), &mut errors));
        match said {
            Some(said) if errors.is_empty() => Some(said.into_owned()),
            _ => self.fallback.as_ref()?.tell(message, arguments),
        }
    }
}

/// Embeddings, overrides and isolates (Unicode Bidirectional Algorithm, 2).
const fn turns(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_right_to_left(id: &LanguageIdentifier) -> bool {
    id.character_direction() == CharacterDirection::RTL
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag)
    }
}

/// In a template: `t("message", name=value, …)`. The text is not markup: the template escapes it.
impl Object for Language {
    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, values: &[Value]) -> Result<Value, Error> {
        let (message, given): (&str, Kwargs) = minijinja::value::from_args(values)?;
        let mut arguments = FluentArgs::new();
        for name in given.args() {
            let value: Value = given.get(name)?;
            let value = match i64::try_from(value.clone()) {
                Ok(number) => FluentValue::from(number),
                Err(_) => FluentValue::from(self.isolated(value.to_string())),
            };
            arguments.set(name.to_owned(), value);
        }
        let said = self.tell(message, &arguments);
        said.map(Value::from)
            .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("there is no message {message}")))
    }
}
