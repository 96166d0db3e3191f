//! The hosted pages as people meet them: in every state, in every language, with every kind of eye and hand.

mod accessibility;
mod customization;
mod facts;
mod gallery;
mod keyboard;
mod leading_on;
mod logo;
mod manners;
mod pictures;
mod returning;
mod without_javascript;
