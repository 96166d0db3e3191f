//! sign_out.
