//! The values that labels may have. All of them are known when this is compiled, so that nobody outside can make
//! up new ones.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::pool::{ProviderType, Trigger};

/// One of a fixed set of label values.
pub trait Label: Copy + 'static {
    /// Every value, in the order of their places.
    const ALL: &'static [Self];
    /// As Prometheus reads it.
    fn as_str(self) -> &'static str;
    /// Its place in [`Label::ALL`].
    fn place(self) -> usize;
}

macro_rules! labels {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant),+
        }

        impl Label for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            fn place(self) -> usize {
                self as usize
            }
        }
    };
}

labels! {
    /// What a request to the public listener wants.
    Step {
        Authorize = "authorize", Login = "login", Callback = "callback", Token = "token", UserInfo = "userinfo",
        Revoke = "revoke", Logout = "logout", LogoutReturn = "logout_return", ProviderLogout = "provider_logout",
        Management = "management", Discovery = "discovery", Metadata = "metadata", Assets = "assets",
        Other = "other",
    }
}
labels! {
    /// Class of an answer.
    Class { Success = "2xx", Redirect = "3xx", Client = "4xx", Server = "5xx" }
}
labels! {
    /// Who began a sign-in.
    Start { App = "app", Provider = "provider", Session = "session" }
}
labels! {
    /// How a sign-in ended, by who has to act.
    Outcome {
        SignedIn = "signed_in", Refused = "refused", Failed = "failed", Unmatched = "unmatched",
        ProviderAway = "provider_away", Unavailable = "unavailable", Internal = "internal",
    }
}
labels! {
    /// What an app gives for tokens.
    Grant {
        AuthorizationCode = "authorization_code", RefreshToken = "refresh_token",
        ClientCredentials = "client_credentials", Implicit = "implicit", Other = "other",
    }
}
labels! {
    /// What became of a grant.
    Granting { Issued = "issued", Refused = "refused", Unavailable = "unavailable", Internal = "internal" }
}
labels! {
    /// Where a sign-out began.
    SignOutStart { App = "app", Saml = "saml", Backchannel = "backchannel", Frontchannel = "frontchannel" }
}
labels! {
    /// What became of a sign-out.
    SignOutEnd { Done = "done", Refused = "refused", Unavailable = "unavailable" }
}
labels! {
    /// A provider's type, as the API names it.
    TypeLabel {
        Saml = "SAML", Oidc = "OIDC", Facebook = "Facebook", Google = "Google",
        SignInWithApple = "SignInWithApple", LoginWithAmazon = "LoginWithAmazon",
    }
}
labels! {
    /// What a provider's adapter is asked.
    ProviderCall {
        Begin = "begin", Finish = "finish", FinishUnsolicited = "finish_unsolicited", End = "end",
        HearSignOut = "hear_sign_out", AnswerSignOut = "answer_sign_out",
    }
}
labels! {
    /// How a call to a provider over HTTP ended.
    Fetched {
        Success = "2xx", Redirect = "3xx", Client = "4xx", Server = "5xx", TimedOut = "timed_out",
        BrokeOff = "broke_off", Unreachable = "unreachable", NotAllowed = "not_allowed", TooLarge = "too_large",
    }
}
labels! {
    /// What may be asked so often and no oftener; also the names of the setting `POOLGATE_RATE_LIMITS`.
    Limit {
        Source = "source", Client = "client", Domain = "domain", User = "user", Auth = "auth",
        Create = "create", Customize = "customize", Describe = "describe", List = "list", Admin = "admin",
        Membership = "membership", AdminAuth = "admin_auth",
    }
}
labels! {
    /// What became of an audit event.
    Audited { Written = "written", Failed = "failed", Dropped = "dropped" }
}
labels! {
    /// What the directory is asked.
    DirectoryCall {
        Load = "load", LoadPool = "load_pool", ChangedSince = "changed_since", Write = "write",
        SignIn = "sign_in", User = "user", Users = "users", CountUsers = "count_users",
        ChangeUser = "change_user", DeleteUser = "delete_user", TokenState = "token_state",
        RevokeFamily = "revoke_family", Rotate = "rotate",
        UserOfIdentity = "user_of_identity", Link = "link", Unlink = "unlink", WaitingLinks = "waiting_links",
        OwnersOfSession = "owners_of_session", EndProviderSessions = "end_provider_sessions",
        UseOnce = "use_once", JoinGroup = "join_group", LeaveGroup = "leave_group", Members = "members",
        Ping = "ping",
    }
}
labels! {
    /// What the session store is asked.
    SessionCall {
        Put = "put", PutNew = "put_new", Get = "get", Take = "take", Exchange = "exchange", Delete = "delete",
        Announce = "announce", Ping = "ping",
    }
}

impl Label for Trigger {
    const ALL: &'static [Self] = &Self::ALL;

    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }

    fn place(self) -> usize {
        self as usize
    }
}

impl Step {
    /// By the path alone: it is asked at every request.
    pub fn of(path: &str) -> Self {
        match path {
            "/" => Self::Management,
            "/oauth2/authorize" | "/again" => Self::Authorize,
            "/login" => Self::Login,
            "/oauth2/idpresponse" | "/saml2/idpresponse" => Self::Callback,
            "/oauth2/token" => Self::Token,
            "/oauth2/userInfo" => Self::UserInfo,
            "/oauth2/revoke" => Self::Revoke,
            "/logout" => Self::Logout,
            "/oauth2/logoutresponse" => Self::LogoutReturn,
            "/saml2/logout" | "/oauth2/backchannel-logout" | "/oauth2/frontchannel-logout" => {
                Self::ProviderLogout
            }
            "/saml2/metadata" => Self::Metadata,
            _ if path.starts_with("/oauth2/idpresponse/") => Self::Callback,
            _ if path.ends_with("/.well-known/openid-configuration")
                || path.ends_with("/.well-known/jwks.json") =>
            {
                Self::Discovery
            }
            _ if path.starts_with("/assets/") => Self::Assets,
            _ => Self::Other,
        }
    }

    /// The path without what is variable in it: it may stand in logs and spans.
    pub fn route(self, path: &str) -> &'static str {
        const FIXED: [&str; 13] = [
            "/",
            "/oauth2/authorize",
            "/again",
            "/login",
            "/oauth2/idpresponse",
            "/saml2/idpresponse",
            "/oauth2/token",
            "/oauth2/userInfo",
            "/oauth2/revoke",
            "/logout",
            "/oauth2/logoutresponse",
            "/saml2/logout",
            "/saml2/metadata",
        ];
        if let Some(fixed) = FIXED.into_iter().find(|fixed| *fixed == path) {
            return fixed;
        }
        match self {
            Self::Callback => "/oauth2/idpresponse/{provider}",
            Self::ProviderLogout if path.ends_with("/backchannel-logout") => "/oauth2/backchannel-logout",
            Self::ProviderLogout => "/oauth2/frontchannel-logout",
            Self::Discovery if path.ends_with("/jwks.json") => "/{pool}/.well-known/jwks.json",
            Self::Discovery => "/{pool}/.well-known/openid-configuration",
            Self::Assets => "/assets/{hash}/{name}",
            _ => "(other)",
        }
    }
}

impl Class {
    /// Of an HTTP status.
    pub const fn of(status: u16) -> Self {
        match status / 100 {
            2 => Self::Success,
            3 => Self::Redirect,
            4 => Self::Client,
            _ => Self::Server,
        }
    }
}

impl From<ProviderType> for TypeLabel {
    fn from(provider_type: ProviderType) -> Self {
        match provider_type {
            ProviderType::Saml => Self::Saml,
            ProviderType::Oidc => Self::Oidc,
            ProviderType::Facebook => Self::Facebook,
            ProviderType::Google => Self::Google,
            ProviderType::SignInWithApple => Self::SignInWithApple,
            ProviderType::LoginWithAmazon => Self::LoginWithAmazon,
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One cell for each value of a label.
#[derive(Debug)]
pub struct Table<L, C> {
    cells: Box<[C]>,
    label: PhantomData<L>,
}

impl<L: Label, C: Default> Default for Table<L, C> {
    fn default() -> Self {
        Self { cells: L::ALL.iter().map(|_| C::default()).collect(), label: PhantomData }
    }
}

impl<L: Label, C> Table<L, C> {
    /// The cell of this value.
    pub fn of(&self, label: L) -> &C {
        &self.cells[label.place()]
    }

    /// Every value with its cell.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &C)> {
        L::ALL.iter().zip(&self.cells).map(|(label, cell)| (label.as_str(), cell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_holds_nothing_of_what_the_browser_chose() {
        for (path, step, route) in [
            ("/", "management", "/"),
            ("/oauth2/idpresponse/Acme Inc", "callback", "/oauth2/idpresponse/{provider}"),
            ("/us-east-1_x/.well-known/jwks.json", "discovery", "/{pool}/.well-known/jwks.json"),
            ("/assets/abc/login.css", "assets", "/assets/{hash}/{name}"),
            ("/oauth2/backchannel-logout", "provider_logout", "/oauth2/backchannel-logout"),
            ("/saml2/logout", "provider_logout", "/saml2/logout"),
            ("/eyJhbGciOiJSUzI1NiJ9.secret", "other", "(other)"),
        ] {
            let found = Step::of(path);
            assert_eq!((found.as_str(), found.route(path)), (step, route), "{path}");
        }
    }
}
