//! `LambdaConfig`: what the model cannot say of it.

use super::error::invalid;
use super::members::Members;
use super::{ApiContext, ApiError};
use crate::pool::{LambdaConfig, Trigger};

/// Takes and checks the functions that a request names.
pub(super) fn taken(context: &ApiContext, input: &mut Members) -> Result<LambdaConfig, ApiError> {
    let config: LambdaConfig = input.take("LambdaConfig")?.unwrap_or_default();
    let (plain, versioned) = (&config.pre_token_generation, &config.pre_token_generation_config);
    if let (Some(plain), Some(versioned)) = (plain, versioned)
        && *plain != versioned.lambda_arn
    {
        return Err(invalid(
            "LambdaConfig.PreTokenGeneration and LambdaConfig.PreTokenGenerationConfig must name the same function, or \
             only one of them any.",
        ));
    }
    for trigger in Trigger::ALL {
        let Some(function) = config.function(trigger) else { continue };
        if !context.core.triggers.can_run() {
            return Err(invalid(format!(
                "LambdaConfig.{trigger} names a function, but this installation has no place to invoke functions at. \
                 Set POOLGATE_LAMBDA_ENDPOINT to the base URL of a Lambda Invoke API."
            )));
        }
        if !is_function(function) {
            return Err(invalid(format!(
                "LambdaConfig.{trigger} is not the ARN of a Lambda function: \
                 arn:aws:lambda:REGION:ACCOUNT:function:NAME, and perhaps :VERSION."
            )));
        }
    }
    Ok(config)
}

/// `arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME`, and perhaps a version or alias.
fn is_function(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, "lambda", _, _, "function", name, version @ ..] = &parts[..] else { return false };
    !name.is_empty() && version.len() <= 1 && version.iter().all(|version| !version.is_empty())
}
