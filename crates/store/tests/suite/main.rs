//! One suite, run on SQLite (a file each) and on PostgreSQL (a database each).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod access;
mod audit;
mod backups;
mod credentials;
mod fixture;
mod machines;
mod observed;
mod people;
mod pipeline;
mod rights;
mod secrets;
mod tenancy;
mod workflows;
mod writes;

use std::pin::Pin;

use fixture::World;
use people::notices;
use pipeline::{agents, hooks, inbox, monitoring, panel, previews, schedules};
use sf_store::testing::{Postgres, TestStore};

fn fresh(server: &Postgres) -> Pin<Box<dyn Future<Output = World> + '_>> {
    Box::pin(async { World::new(TestStore::postgres(server).await.unwrap()).await })
}

macro_rules! suite {
    ($($module:ident { $($name:ident),* $(,)? })*) => {
        mod sqlite {
            $(mod $module {
                $(#[tokio::test]
                async fn $name() {
                    let world = crate::World::new(crate::TestStore::sqlite().await.unwrap()).await;
                    crate::$module::$name(world).await;
                })*
            })*
        }

        /// One test, because each test is a process of its own and starting a server takes seconds.
        #[tokio::test]
        async fn postgres() {
            let Some(server) = Postgres::start_or_skip().await else { return };
            $($({
                println!(concat!(stringify!($module), "::", stringify!($name)));
                // Each made in a frame of its own, and on the heap: together they are more than a thread's stack.
                fn boxed(world: World) -> Pin<Box<dyn Future<Output = ()>>> {
                    Box::pin(crate::$module::$name(world))
                }
                boxed(fresh(&server).await).await;
            })*)*
        }
    };
}

suite! {
    panel {
        versions_that_servers_use_are_kept,
        a_port_is_one_servers,
    }
    monitoring {
        servers_are_sampled_and_folded_as_apps_are,
        rules_and_alerts_are_one_teams,
    }
    agents {
        calls_are_kept_found_and_go_after_their_time,
        calls_that_a_limit_refused_are_one_row,
        what_was_read_is_known_of_one_credential_of_one_team,
        a_key_is_renewed_by_the_run_it_is_bound_to_and_by_no_other,
    }
    previews {
        a_branch_has_one_preview_with_a_name_of_its_own,
        a_base_is_one_teams,
        a_right_at_an_app_holds_for_its_previews_and_for_no_others,
        secrets_that_are_there_are_productions,
    }
    hooks {
        an_app_has_one_and_it_goes_with_what_it_was_sent,
        a_delivery_is_one_row_and_the_last_ones_are_kept,
        an_app_has_one_deploy_key_that_nobody_else_sees,
    }
    schedules {
        a_run_that_ended_never_changes_and_the_last_ones_are_kept,
        nobody_else_sees_a_schedule_and_it_goes_with_its_runs,
    }
    inbox {
        cards_failures_and_reviews_come_in_pages_and_can_be_put_aside,
        nobody_sees_or_changes_the_rules_votes_and_samples_of_others,
        rules_are_replaced_once_each,
        a_step_is_reopened_while_it_is_held_and_not_later,
        deputies_count_for_a_while_and_go_with_people,
        budgets_count_agents_and_people_apart,
    }
    writes {
        an_error_takes_back_its_own_changes_only,
        a_panic_takes_back_its_own_changes_only,
        a_late_change_that_fails_in_anothers_look_is_told_to_its_own_write,
        many_writers_share_commits_and_none_is_lost,
        a_write_beside_failing_ones_is_done_once,
        unawaited_writes_ride_before_later_ones,
        readers_cannot_write,
        a_full_disk_refuses_writes_and_recovers,
        a_closed_store_says_so,
        schema_is_applied_once_and_guarded,
        nothing_said_by_a_failed_write_is_stored,
    }
    tenancy {
        another_tenant_sees_and_changes_nothing,
        a_project_sees_only_its_own,
        nobody_writes_rows_of_others,
        every_table_with_a_tenant_is_covered,
    }
    workflows {
        another_team_has_none_of_it,
        executions_of_an_engine_that_is_gone_are_taken_over_once,
        a_number_of_a_journal_and_a_try_of_a_step_are_given_once,
        what_came_in_is_there_until_it_was_taken_in,
        what_came_in_within_one_millisecond_keeps_its_order,
        a_tree_of_forks_is_bounded_and_holds_what_a_run_came_from,
        how_runs_ended_is_told_of_those_that_have,
    }
    access {
        people_and_passwords,
        sessions_rotate_once_per_generation,
        tokens_and_rights,
        idempotency_keys_replay_conflict_and_expire,
    }
    rights {
        grants_add_up_and_end,
        servers_of_ones_own_are_not_counted,
        a_role_is_its_teams_own,
        who_has_rights_at_an_object_sees_it_and_nothing_else,
        a_key_keeps_its_limits,
    }
    people {
        an_address_has_one_open_invitation_and_it_is_used_once,
        links_of_another_tenant_are_not_there,
        who_is_removed_leaves_nothing_but_an_id,
        every_table_that_refers_to_people_goes_with_them,
    }
    credentials {
        a_step_and_a_recovery_code_are_spent_once,
        factors_are_set_up_once_and_taken_away_whole,
        a_ticket_takes_five_tries_and_is_spent_once,
        attempts_are_counted_one_after_the_other,
        a_sign_in_by_code_is_decided_and_fetched_once,
        a_grant_is_a_token_that_is_no_key_and_its_code_is_spent_once,
        programs_that_register_are_few_and_forgotten,
        credentials_of_another_tenant_are_out_of_reach,
        known_networks_and_pages_of_sessions,
    }
    machines {
        enrolment_token_has_exactly_one_winner,
        device_codes_are_guessed_in_vain,
        connections_and_join_counters,
        names_keys_locks_and_removal,
        what_is_in_trouble_or_waits_is_found,
        sequence_numbers_have_no_gaps,
    }
    pipeline {
        runs_change_by_version_and_end_once,
        run_lists_and_filters,
        timeline_in_order,
        commands_wait_in_order_and_move_forward_only,
        approvals_count_once_and_for_what_was_shown,
        outbox_is_claimed_once_and_retried,
        apps_keep_names_generations_and_facts,
        releases_follow_the_node,
    }
    observed {
        events_have_no_gaps_and_resume,
        numbers_are_asked_for_once,
        logs_are_taken_in_once_and_cut,
        metrics_are_taken_in_once_and_folded,
        lines_of_all_logs_are_one_row_by_time,
        a_history_is_exact_whenever_it_is_folded,
        a_spike_is_seen_a_year_later_in_few_rows,
    }
    secrets {
        versions_are_kept_in_order_and_old_ones_go,
        another_tenant_sees_and_changes_no_secret,
        apps_that_name_a_secret_are_found,
    }
    notices {
        a_channel_is_its_owners_and_there_are_only_so_many,
        another_tenant_sees_and_changes_no_channel,
        what_waits_for_a_channel_waits_once_and_is_bounded,
        lanes_of_a_family_are_found_when_they_are_due,
    }
    backups {
        every_table_is_in_a_copy_and_every_row_equal,
        a_copy_made_beside_64_writers_is_of_one_moment,
        a_chain_that_was_pruned_is_copied_and_one_whose_beginning_is_missing_refused,
        what_is_not_finished_is_not_there,
        older_copies_are_brought_up_to_date_and_newer_refused,
        what_was_open_is_ended,
    }
    audit {
        the_chain_verifies_and_a_person_can_be_erased,
        a_changed_line_is_named,
        activity_pages_by_time,
        lines_are_found_by_text_actor_outcome_and_person,
        old_details_go_by_kind_and_lines_up_to_a_checkpoint,
        checkpoints_are_thinned_but_for_the_last_of_each_span,
        a_tenant_sees_its_own_witnesses_alone,
    }
}
