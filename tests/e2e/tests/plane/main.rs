//! The control plane and simulated nodes over the real protocol: every scenario on SQLite as a test of its own, and
//! all of them on PostgreSQL in one (a server is started once).

mod agents;
mod approve;
mod audit;
mod connect;
mod enrol;
mod machines;
mod order;
mod recover;
mod resync;
mod rights;
mod secrets;
mod sign_in;
mod tenancy;
mod workflows;

use anyhow::{Context, Result};
use futures_util::future::BoxFuture;
use machines::{alerts, builders, domains, panel, patches, schedules, services, transfers};
use sf_store::testing::Postgres;
use sf_testkit::{Database, Plane};

macro_rules! scenarios {
    ($($file:ident::$name:ident;)*) => {
        const SCENARIOS: &[(&str, fn(Plane) -> BoxFuture<'static, Result<()>>)] =
            &[$((stringify!($name), |plane| Box::pin($file::$name(plane))),)*];

        $(
            #[tokio::test]
            async fn $name() -> Result<()> {
                Box::pin($file::$name(Plane::start(Database::Sqlite).await?)).await
            }
        )*
    };
}

scenarios! {
    enrol::of_fifty_racing_uses_of_a_token_one_makes_a_node;
    enrol::an_expired_token_makes_no_node;
    enrol::a_machine_with_a_code_is_admitted_by_a_person;
    enrol::one_address_cannot_take_all_places;
    enrol::a_code_ends_with_its_connection;
    enrol::a_wrong_root_is_refused_before_anything_is_told;
    secrets::a_secret_reaches_its_node_alone_and_an_older_agent_gets_none;
    secrets::what_was_agreed_to_names_its_versions;
    builders::an_older_agent_is_ordered_only_what_it_knows;
    secrets::a_deploy_key_reaches_its_node_alone_with_deploys_by_ssh;
    domains::a_domain_is_one_apps_and_what_its_node_says_it_is;
    schedules::a_schedule_is_what_its_node_has_and_goes_wrong_once;
    panel::a_servers_schedule_is_a_chain_its_node_has;
    patches::a_patch_is_ordered_as_it_was_agreed_to_and_told_without_what_it_writes;
    patches::what_cannot_be_a_patch_is_refused_before_anybody_is_asked;
    services::a_service_is_steered_by_a_node_wide_order_and_an_older_agent_gets_none;
    order::a_deploy_goes_through_every_state_and_is_proven;
    order::what_the_node_says_is_how_it_ends;
    order::a_repeated_or_late_word_changes_nothing;
    order::words_out_of_order_end_it_once;
    order::the_word_of_another_node_counts_for_nothing;
    order::a_cancel_reaches_the_node_and_only_its_word_ends_the_run;
    order::an_order_that_fits_no_frame_ends_its_run_and_holds_up_nobody;
    connect::an_order_waits_for_its_node;
    connect::a_run_that_cannot_be_ordered_when_its_node_comes_ends_like_any_other;
    connect::an_expired_order_is_voided_and_signed_afresh;
    connect::two_holders_of_one_key_are_both_cut_until_a_person_looks;
    connect::a_lock_says_that_its_runs_are_not_known;
    connect::a_journal_that_lost_its_end_goes_on;
    connect::a_second_connection_replaces_the_first;
    connect::a_question_ends_with_the_connection_that_it_left_by;
    alerts::silent_machines_and_copied_keys_are_told_with_their_cards;
    connect::what_a_node_says_of_others_apps_is_told_to_nobody;
    connect::a_node_that_goes_silent_leaves_its_run_stale;
    recover::a_kill_in_the_middle_ends_truthfully;
    recover::a_restart_before_the_order_left_sends_it_once;
    recover::a_read_of_a_workflow_waits_for_the_api;
    sign_in::two_control_planes_count_guesses_together;
    sign_in::two_control_planes_spend_a_code_once;
    sign_in::two_control_planes_say_nothing_of_their_rivalry;
    sign_in::no_session_outlives_the_password_it_was_opened_with;
    sign_in::no_ticket_outlives_the_password_it_was_given_for;
    sign_in::a_session_that_has_ended_approves_no_program;
    sign_in::tabs_at_two_control_planes_get_the_same_token;
    approve::an_approval_is_held_and_bound_to_what_was_shown;
    approve::an_approval_is_held_back_from_a_node_that_connects_meanwhile;
    approve::a_rejection_ends_the_run;
    approve::the_quota_is_enforced;
    approve::of_many_that_race_for_the_last_place_one_gets_it;
    approve::two_control_planes_keep_one_quota;
    agents::good_deploys_open_the_gate_of_one_agent_and_what_comes_back_closes_it;
    rights::what_was_given_at_an_object_ends_with_it;
    panel::a_server_is_installed_started_steered_and_deleted_by_its_node;
    panel::files_of_a_server_are_changed_by_orders_and_who_read_one_is_recorded;
    panel::a_port_that_something_else_has_is_given_last;
    panel::more_than_a_machine_has_is_promised_where_its_operator_says_so;
    transfers::a_ticket_is_worth_something_once_for_its_node_while_somebody_waits;
    transfers::what_is_not_what_was_said_is_cut_off;
    transfers::an_upload_goes_to_its_node_which_has_the_last_word;
    panel::a_dead_node_blocks_nothing_and_deletes_what_was_forgotten_when_it_is_back;
    approve::under_a_freeze_somebody_else_has_to_agree;
    resync::a_node_that_fell_behind_is_brought_back_in_step;
    tenancy::another_tenant_sees_and_changes_nothing;
    workflows::of_two_control_planes_one_fires_each_moment;
    workflows::what_a_dead_control_plane_had_goes_on_at_another;
    audit::every_damage_of_an_export_is_named_at_its_line;
    audit::only_a_witness_shows_what_the_owner_of_the_keys_took_away;
    audit::nodes_are_shown_the_head_and_say_what_they_hold;
    audit::damaged_rows_are_found_and_never_signed;
    audit::people_are_erased_and_old_lines_pruned_and_the_rest_still_verifies;
    audit::two_control_planes_keep_a_chain_each;
    audit::a_span_begins_and_ends_with_a_signature_and_a_tenant_gets_its_own;
}

/// More orders than are read at a time take half a minute to give.
#[tokio::test]
#[ignore = "long"]
async fn more_than_a_thousand_orders_wait_for_their_node() -> Result<()> {
    Box::pin(connect::more_than_a_thousand_orders(Plane::start(Database::Sqlite).await?)).await
}

/// Servers that the scenarios are shared out to: one test would take minutes.
const SERVERS: usize = 2;

#[tokio::test]
async fn all_of_it_on_postgresql_first_half() -> Result<()> {
    on_postgresql(0).await
}

#[tokio::test]
async fn all_of_it_on_postgresql_second_half() -> Result<()> {
    on_postgresql(1).await
}

async fn on_postgresql(part: usize) -> Result<()> {
    let Some(server) = Postgres::start_or_skip().await else { return Ok(()) };
    for (name, scenario) in SCENARIOS.iter().skip(part).step_by(SERVERS) {
        let plane = Plane::start(Database::Postgres(&server)).await?;
        Box::pin(scenario(plane)).await.with_context(|| format!("{name} on PostgreSQL"))?;
    }
    Ok(())
}
