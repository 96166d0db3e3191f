//! Numbers that bound a pool (`gateway.md` sections 5 and 7). A breach is `LimitExceededException`.

/// App clients in a pool.
pub const APP_CLIENTS: usize = 1_000;
/// Identity providers in a pool.
pub const IDENTITY_PROVIDERS: usize = 300;
/// Identifiers of one identity provider.
pub const IDENTIFIERS: usize = 50;
/// Callback URLs, and logout URLs, of an app client.
pub const URLS: usize = 100;
/// Custom attributes in a pool.
pub const CUSTOM_ATTRIBUTES: usize = 50;
/// Characters in the name of a custom attribute, without `custom:`.
pub const CUSTOM_ATTRIBUTE_NAME: usize = 20;
/// Characters in an attribute's value.
pub const ATTRIBUTE_VALUE: usize = 2_048;
/// Characters in a username.
pub const USERNAME: usize = 128;
/// Links of a user, those that wait for a first sign-in included.
pub const LINKS: usize = 5;
/// Tags of a pool.
pub const TAGS: usize = 50;
/// Bytes of a logo for the hosted pages (100 KB).
pub const LOGO: usize = 102_400;
/// Resource servers in a pool.
pub const RESOURCE_SERVERS: usize = 25;
/// Scopes of a resource server.
pub const RESOURCE_SERVER_SCOPES: usize = 100;
/// Groups in a pool.
pub const GROUPS: usize = 500;
/// Groups of a user.
pub const GROUPS_OF_A_USER: usize = 25;
/// User pools in an installation.
pub const USER_POOLS: usize = 1_000;
