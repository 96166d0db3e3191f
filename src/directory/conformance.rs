//! What every directory must do. An implementation runs all of it with [`directory_conformance!`].

pub(crate) mod endings;
pub(crate) mod groups;
pub(crate) mod links;
pub(crate) mod provider_sessions;
pub(crate) mod records;
pub(crate) mod rotations;
pub(crate) mod sign_ins;
pub(crate) mod users;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Change, Directory, DirectoryError, Kind, Record, UniqueName};
use crate::pool::{FederatedProfile, Identity, User};

/// A place where one directory lives, empty at first.
#[async_trait]
pub(crate) trait Setting: Send + Sync {
    /// Opens it. Whatever was opened before is closed by then.
    async fn open(&self) -> Arc<dyn Directory>;
}

/// Makes a test of every rule, each with a setting of its own.
macro_rules! directory_conformance {
    ($setting:expr) => {
        $crate::directory::conformance::directory_conformance!(@ $setting;
            sign_ins::a_new_identity_makes_a_user_and_a_known_one_finds_it,
            sign_ins::a_sign_in_that_changes_nothing_changes_nothing,
            sign_ins::a_sign_in_that_changes_something_is_read_back,
            sign_ins::a_pair_that_joins_to_the_same_text_is_another_identity,
            sign_ins::subjects_that_differ_by_case_or_accent_are_different_users,
            sign_ins::a_username_of_another_identity_is_refused,
            sign_ins::the_same_identity_in_another_pool_is_another_user,
            sign_ins::nobody_becomes_a_user_who_may_not_yet,
            sign_ins::nobody_new_signs_in_to_a_pool_that_has_gone,
            sign_ins::a_refused_profile_writes_nothing_and_spares_its_neighbours,
            sign_ins::concurrent_sign_ins_of_one_new_user_make_one_user,
            sign_ins::concurrent_sign_ins_of_many_users_do_not_mix,
            sign_ins::text_with_a_nul_is_refused,
            sign_ins::hostile_text_is_kept_as_it_came,
            records::records_are_read_back_with_their_names,
            records::what_exists_is_not_created_again,
            records::a_name_is_held_by_one_record,
            records::a_replacement_needs_the_version_it_replaces,
            records::of_concurrent_replacements_one_wins,
            records::changes_happen_all_or_not_at_all,
            records::what_is_missing_cannot_be_deleted,
            records::deleting_a_pool_removes_everything_of_it_alone,
            records::what_belongs_to_no_pool_is_kept_like_the_rest,
            records::what_was_written_since_is_told_pool_by_pool,
            records::what_is_made_anew_never_has_an_old_version,
            records::what_stands_on_a_pool_that_changed_is_not_written,
            users::what_may_be_used_once_is_used_once,
            users::a_deleted_user_is_gone_and_can_come_back_as_another,
            users::a_revoked_family_stays_revoked,
            users::users_are_listed_by_username_page_by_page,
            users::users_are_filtered,
            users::users_are_listed_by_what_they_are_filtered_by,
            users::a_user_is_changed_and_read_back,
            users::a_change_that_fits_no_user_changes_nothing,
            users::changes_and_sign_ins_at_once_lose_nothing_of_each_other,
            users::a_user_is_deleted_by_sub_and_never_its_successor,
            endings::a_user_is_found_by_its_identity_alone,
            endings::an_ending_is_read_with_the_user_it_belongs_to,
            endings::a_later_ending_moves_an_earlier_one_and_never_back,
            endings::many_endings_of_one_user_are_put_together_and_nothing_lives_again,
            endings::endings_are_kept_and_go_with_their_user,
            groups::who_is_put_into_a_group_is_in_it_until_taken_out,
            groups::a_membership_needs_a_user_and_a_group,
            groups::a_user_is_in_so_many_groups_and_no_more,
            groups::a_group_that_somebody_is_in_stays,
            groups::members_are_listed_page_by_page_and_of_one_pool,
            groups::mapped_groups_follow_their_provider_and_leave_the_others_alone,
            groups::who_is_mapped_into_too_many_groups_gets_the_first,
            groups::nobody_is_mapped_into_a_group_or_by_a_provider_that_is_gone,
            groups::with_a_provider_go_its_group_and_what_its_mapping_gave,
            groups::who_is_unlinked_leaves_the_groups_of_the_mapping,
            groups::of_a_membership_and_the_groups_deletion_at_once_one_comes_first,
            groups::memberships_are_kept,
            links::a_linked_subject_is_the_user_from_its_first_sign_in,
            links::a_waiting_link_is_taken_once_by_the_first_that_fits,
            links::a_person_who_is_known_takes_no_waiting_link,
            links::links_that_lead_to_different_users_sign_nobody_in,
            links::two_links_to_one_user_are_used_up_together,
            links::a_sign_in_that_is_refused_uses_up_no_link,
            links::a_link_needs_a_user_and_a_provider,
            links::a_link_never_moves_and_nobody_is_merged,
            links::a_user_has_five_links_and_waiting_ones_count,
            links::an_unlinked_person_is_somebody_else_and_everything_before_ends,
            links::a_second_identity_at_the_same_provider_keeps_its_group,
            links::what_comes_after_something_removed_is_last,
            links::with_a_provider_go_its_links_and_no_user,
            links::with_a_user_go_its_links,
            links::links_are_kept,
            links::of_a_link_and_a_first_sign_in_at_once_one_comes_first,
            links::of_many_that_fit_a_waiting_link_at_once_one_gets_it,
            provider_sessions::the_people_of_a_session_are_found_by_its_name_at_its_provider_alone,
            provider_sessions::a_session_of_several_people_finds_each_of_them,
            provider_sessions::a_refused_sign_in_notes_no_session,
            provider_sessions::a_session_is_noted_with_the_sign_in_and_goes_with_its_user,
            rotations::of_those_who_rotate_a_generation_at_once_one_does,
            rotations::a_rotation_is_read_with_the_token_and_never_goes_back,
            rotations::a_rotation_that_is_written_twice_is_one,
            rotations::rotations_are_kept_and_go_with_their_pool,
            users::reopening_keeps_everything,
            users::a_closed_directory_says_so
        );
    };
    (@ $setting:expr; $($file:ident::$rule:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                let setting = $setting;
                $crate::directory::conformance::$file::$rule(&setting).await;
            }
        )*
    };
}
pub(crate) use directory_conformance;

const POOL: &str = "eu-west-1_aBcDeF123";
const OTHER: &str = "eu-west-1_zYxWvU987";
const NOON: OffsetDateTime = time::macros::datetime!(2026-11-21 12:00 UTC);

fn strings<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A sign-in of `subject` at `provider` with an e-mail address.
pub(crate) fn profile(provider: &str, subject: &str) -> FederatedProfile {
    FederatedProfile {
        pool_id: POOL.into(),
        username: format!("{provider}_{subject}"),
        new_sub: format!("sub of {provider} and {subject}"),
        identity: Identity {
            provider_name: provider.into(),
            provider_type: "SAML".into(),
            user_id: subject.into(),
            issuer: Some("https://idp.example/saml".into()),
            primary: true,
            date_created: 1_795_262_400_000,
        },
        set: strings([("email", &format!("{subject}@example.com"))]),
        remove: Vec::new(),
        recognised: BTreeMap::new(),
        required: vec!["email".into()],
        immutable: Vec::new(),
        group: format!("{POOL}_{provider}"),
        mapped_groups: Vec::new(),
        session: None,
        may_sign_up: true,
        at: NOON,
    }
}

/// Opened, with the two pools in it that the rules about users are about.
async fn opened(setting: &dyn Setting) -> Arc<dyn Directory> {
    let directory = setting.open().await;
    with_pools(&*directory).await;
    directory
}

/// Makes the two pools, where they are not there yet.
pub(crate) async fn with_pools(directory: &dyn Directory) {
    for pool in [POOL, OTHER] {
        match directory.write(vec![Change::Create(record(pool, Kind::UserPool, pool, &[]))]).await {
            Ok(()) | Err(DirectoryError::Exists(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn record(pool_id: &str, kind: Kind, id: &str, names: &[(&str, &str)]) -> Record {
    Record {
        kind,
        pool_id: pool_id.into(),
        id: id.into(),
        document: format!(r#"{{"id":"{id}"}}"#),
        sealed: Some(vec![0, 1, 255]),
        names: names
            .iter()
            .map(|(scope, name)| UniqueName { scope: (*scope).into(), name: (*name).into() })
            .collect(),
        version: 0,
    }
}

async fn user(directory: &Arc<dyn Directory>, username: &str) -> Option<User> {
    directory.user(POOL, username).await.unwrap()
}

async fn count(directory: &Arc<dyn Directory>) -> u64 {
    directory.count_users(POOL).await.unwrap()
}
