//! Triggers: functions of the administrator that the gateway asks while somebody signs in, through a Lambda Invoke API.

/// Where functions are invoked.
#[derive(Debug, Default)]
pub struct Triggers {}
