//! What each route asks of who calls it, written down once.

use http::Method;
use sf_actions::Permission;

/// What a route asks of who calls it.
#[derive(Clone, Copy, Debug)]
pub enum Needs {
    /// Nothing, or a credential of its own.
    Open,
    /// To be somebody.
    SignedIn,
    /// This right; without it the answer is 403, or 404 where the thing itself is not to be seen.
    Right(Permission),
}

use Needs::{Open, Right, SignedIn};

pub fn needs(method: &Method, path: &str) -> Option<Needs> {
    use sf_actions::Permission as P;
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    Some(match (method.as_str(), path) {
        ("GET", "/health" | "/setup" | "/openapi.json" | "/ws" | "/metrics") => Open,
        // A link that is good once is its own credential.
        ("GET", "/downloads/{token}") => Open,
        ("POST", "/setup" | "/auth/login" | "/auth/login/factor" | "/auth/refresh" | "/auth/logout") => Open,
        ("POST", "/auth/invitation" | "/auth/accept" | "/auth/forgot" | "/auth/reset") => Open,
        ("POST", "/auth/device" | "/auth/device/token" | "/hooks/{id}" | "/hooks/apps/{id}") => Open,
        (_, "/auth/me" | "/auth/password" | "/auth/access" | "/auth/factors" | "/auth/factors/totp") => SignedIn,
        (_, "/auth/factors/totp/confirm" | "/auth/factors/recovery-codes" | "/auth/device") => SignedIn,
        ("POST", "/auth/device/approve" | "/auth/device/deny") => SignedIn,
        (_, "/sessions" | "/sessions/{id}") => SignedIn,
        ("GET", "/roles" | "/permissions" | "/actions" | "/tokens") => SignedIn,
        (_, "/me/notifications" | "/me/push-subscriptions" | "/me/push-subscriptions/{id}") => SignedIn,
        (_, "/me/notification-channels" | "/me/notification-channels/{id}") => SignedIn,
        ("POST", "/me/notification-channels/{id}/test") => SignedIn,
        (_, "/notification-channels" | "/notification-channels/{id}" | "/notification-channels/{id}/test") => {
            Right(P::AdminSettings)
        }
        ("POST", "/tokens") | ("DELETE", "/tokens/{id}") => Right(P::TokenManage),
        ("GET", "/nodes" | "/nodes/{id}" | "/nodes/{id}/keys") => Right(P::NodeView),
        ("PATCH", "/nodes/{id}") | ("POST", "/nodes/{id}/unlock" | "/nodes/{id}/services") => Right(P::NodeUpdate),
        ("GET", "/nodes/{id}/services") => Right(P::NodeView),
        ("DELETE", "/nodes/{id}") => Right(P::NodeDelete),
        ("GET", "/nodes/{id}/metrics" | "/apps/{id}/metrics" | "/servers/{id}/metrics") => Right(P::MonitoringView),
        ("GET", "/monitoring/overview" | "/monitoring/rules" | "/monitoring/rules/{id}" | "/monitoring/alerts") => {
            Right(P::MonitoringView)
        }
        ("POST", "/monitoring/rules") | ("PUT" | "DELETE", "/monitoring/rules/{id}") => Right(P::MonitoringAlerts),
        ("POST", "/nodes/{id}/watch") => Right(P::MonitoringView),
        ("POST", "/nodes/{id}/inspect" | "/apps") => Right(P::AppCreate),
        ("POST", "/enrol-tokens" | "/device-codes/approve" | "/device-codes/deny") => Right(P::NodeCreate),
        ("GET", "/device-codes") => Right(P::NodeCreate),
        (
            "GET",
            "/apps"
            | "/apps/{id}"
            | "/apps/{id}/logs"
            | "/apps/{id}/logs/search"
            | "/apps/{id}/logs/kept"
            | "/apps/{id}/logs/download"
            | "/apps/{id}/releases"
            | "/apps/{id}/status",
        ) => Right(P::AppView),
        ("PATCH", "/apps/{id}") => Right(P::AppUpdate),
        ("DELETE", "/apps/{id}") => Right(P::AppDelete),
        ("GET", "/apps/{id}/files") => Right(P::PatchView),
        // What is in a file may be a secret.
        ("GET", "/apps/{id}/files/content") => Right(P::PatchApply),
        ("POST", "/apps/{id}/patches" | "/apps/{id}/patches/preview") => Right(P::PatchApply),
        ("POST", "/apps/{id}/deploy" | "/apps/{id}/rollback") => Right(P::AppDeploy),
        ("GET", "/apps/{id}/hook" | "/apps/{id}/hook/deliveries") => Right(P::AppView),
        ("GET", "/apps/{id}/deploy-key") => Right(P::AppView),
        (_, "/apps/{id}/deploy-key") => Right(P::AppUpdate),
        ("GET", "/apps/{id}/previews" | "/apps/{id}/preview") => Right(P::AppView),
        ("PUT", "/apps/{id}/previews") => Right(P::AppUpdate),
        ("POST", "/apps/{id}/previews" | "/apps/{id}/preview/extend") => Right(P::AppDeploy),
        (_, "/apps/{id}/hook" | "/apps/{id}/hook/rotate") => Right(P::AppDeploy),
        ("POST", "/apps/{id}/start" | "/apps/{id}/stop" | "/apps/{id}/restart") => Right(P::AppOperate),
        (
            "GET",
            "/runs"
            | "/runs/{id}"
            | "/runs/{id}/timeline"
            | "/runs/{id}/log"
            | "/runs/{id}/causes"
            | "/runs/{id}/command"
            | "/runs/{id}/patch",
        ) => Right(P::AppView),
        // That of a workflow asks for other rights: `a_run_is_stopped_by_who_may_start_what_it_is_of`.
        ("POST", "/runs/{id}/cancel") => Right(P::AppDeploy),
        ("POST", "/runs/{id}/approve" | "/runs/{id}/reject") => Right(P::ApprovalDecide),
        ("POST", "/runs/{id}/reopen" | "/runs/{id}/review") => Right(P::ApprovalDecide),
        // And the right for what is proposed instead.
        ("POST", "/runs/{id}/edit") => Right(P::ApprovalDecide),
        ("GET", "/approvals") => Right(P::ApprovalView),
        // Everybody has an inbox; what is in it is what they may see.
        ("GET", "/inbox" | "/inbox/count") | (_, "/deputies" | "/deputies/{id}") => SignedIn,
        ("GET", "/inbox/{id}") | ("PUT" | "DELETE", "/inbox/{id}/aside") => SignedIn,
        ("POST", "/inbox/batch") => SignedIn,
        ("GET", "/routing-rules" | "/learning" | "/learning/samples") => Right(P::ApprovalView),
        ("POST", "/routing-rules/try") => Right(P::ApprovalView),
        ("PUT", "/routing-rules") => Right(P::AdminSettings),
        (_, "/activity" | "/mcp/calls" | "/activity/state" | "/activity/verify" | "/activity/export") => {
            Right(P::AdminAudit)
        }
        ("GET", "/users" | "/users/{id}" | "/users/{id}/grants" | "/users/{id}/access") => Right(P::UserView),
        ("PATCH", "/users/{id}") => Right(P::UserUpdate),
        ("POST", "/users/{id}/suspend" | "/users/{id}/reinstate" | "/users/{id}/sign-out") => Right(P::UserUpdate),
        ("POST", "/users/{id}/reset-factors") => Right(P::UserUpdate),
        ("DELETE", "/users/{id}") => Right(P::UserDelete),
        ("GET", "/invitations") => Right(P::UserView),
        ("POST", "/invitations") | ("DELETE", "/invitations/{id}") => Right(P::UserCreate),
        ("POST", "/users/{id}/grants" | "/roles") | ("DELETE", "/users/{id}/grants/{grant}") => Right(P::AdminRoles),
        ("PATCH" | "DELETE", "/roles/{id}") => Right(P::AdminRoles),
        (_, "/mail" | "/mail/test") => Right(P::AdminSettings),
        (_, "/tenants" | "/tenants/{id}" | "/tenants/{id}/invite") => Right(P::TenantManage),
        ("GET", "/projects" | "/projects/{id}") => Right(P::ProjectView),
        ("POST", "/projects") => Right(P::ProjectCreate),
        ("PATCH", "/projects/{id}") => Right(P::ProjectUpdate),
        ("DELETE", "/projects/{id}") => Right(P::ProjectDelete),
        ("GET", "/proxies" | "/proxies/{id}") => Right(P::ProxyView),
        ("POST", "/proxies") | ("PUT" | "DELETE", "/proxies/{id}") => Right(P::ProxyManage),
        ("GET", "/apps/{id}/schedules" | "/apps/{id}/schedules/{name}/runs") => Right(P::ScheduleView),
        ("GET", "/servers/{id}/schedules" | "/servers/{id}/schedules/{name}/runs") => Right(P::ScheduleView),
        ("PUT" | "DELETE", "/servers/{id}/schedules/{name}") | ("POST", "/servers/{id}/schedules/{name}/run") => {
            Right(P::ScheduleManage)
        }
        ("PUT" | "DELETE", "/apps/{id}/schedules/{name}") | ("POST", "/apps/{id}/schedules/{name}/run") => {
            Right(P::ScheduleManage)
        }
        ("GET", "/ctrls" | "/ctrls/{id}" | "/alts" | "/alts/{id}" | "/alts/{id}/versions") => Right(P::ServerView),
        ("GET", "/alts/{id}/egg") => Right(P::ServerView),
        ("POST", "/ctrls" | "/alts") | ("PUT" | "DELETE", "/ctrls/{id}" | "/alts/{id}") => Right(P::AdminTemplates),
        ("GET", "/api/servers/{id}/ws") => Open,
        ("GET", "/api/client/account") => SignedIn,
        ("GET", "/api/client" | "/api/client/servers/{id}") => Right(P::ServerView),
        ("GET", "/api/client/servers/{id}/websocket" | "/api/client/servers/{id}/resources") => Right(P::ConsoleView),
        ("POST", "/api/client/servers/{id}/power") => Right(P::ServerStop),
        ("POST", "/api/client/servers/{id}/command") => Right(P::ConsoleCommand),
        ("GET", "/servers" | "/servers/{id}" | "/servers/{id}/status") => Right(P::ServerView),
        ("POST", "/servers") => Right(P::ServerCreate),
        ("GET", "/servers/{id}/users") => Right(P::AdminRoles),
        ("PATCH", "/servers/{id}") => Right(P::ServerUpdate),
        (
            "POST",
            "/servers/{id}/install" | "/servers/{id}/reinstall" | "/servers/{id}/suspend" | "/servers/{id}/unsuspend",
        ) => Right(P::ServerUpdate),
        ("DELETE", "/servers/{id}") | ("POST", "/servers/{id}/forget") => Right(P::ServerDelete),
        // The body asks for a stop; what each verb needs is in `work::panel`.
        ("POST", "/servers/{id}/power") => Right(P::ServerStop),
        ("GET", "/servers/{id}/console") => Right(P::ConsoleView),
        ("POST", "/servers/{id}/command") => Right(P::ConsoleCommand),
        (
            "GET",
            "/servers/{id}/files"
            | "/servers/{id}/files/stat"
            | "/servers/{id}/files/content"
            | "/servers/{id}/files/search"
            | "/servers/{id}/files/download"
            | "/servers/{id}/files/usage",
        )
        | ("POST", "/servers/{id}/files/download-link") => Right(P::FileRead),
        ("GET", "/servers/{id}/uploads")
        | ("POST", "/servers/{id}/uploads" | "/servers/{id}/uploads/{upload}/finish")
        | ("GET" | "PATCH" | "DELETE", "/servers/{id}/uploads/{upload}") => Right(P::FileWrite),
        (
            "POST",
            "/servers/{id}/files/write"
            | "/servers/{id}/files/folder"
            | "/servers/{id}/files/rename"
            | "/servers/{id}/files/copy"
            | "/servers/{id}/files/mode",
        ) => Right(P::FileWrite),
        ("POST", "/servers/{id}/files/delete") => Right(P::FileDelete),
        ("POST", "/servers/{id}/files/compress" | "/servers/{id}/files/extract") => Right(P::FileArchive),
        ("GET", "/nodes/{id}/allocations") => Right(P::NodeView),
        ("POST", "/nodes/{id}/allocations") | ("DELETE", "/nodes/{id}/allocations/{allocation}") => {
            Right(P::NodeUpdate)
        }
        ("POST", "/servers/{id}/allocations" | "/servers/{id}/allocations/{allocation}/default") => {
            Right(P::NetworkCreate)
        }
        ("DELETE", "/servers/{id}/allocations/{allocation}") => Right(P::NetworkDelete),
        ("GET", "/secrets") => Right(P::SecretView),
        ("POST", "/secrets") | ("PATCH" | "DELETE", "/secrets/{id}") => Right(P::SecretManage),
        ("GET", "/workflows/schema") | ("POST", "/workflows/lint" | "/alts/read" | "/alts/lint") => SignedIn,
        ("GET", "/workflows" | "/workflows/{id}" | "/workflows/{id}/versions" | "/workflows/{id}/document") => {
            Right(P::WorkflowView)
        }
        ("POST", "/workflows") => Right(P::WorkflowCreate),
        ("PUT", "/workflows/{id}") | ("POST", "/workflows/{id}/triggers") => Right(P::WorkflowUpdate),
        ("DELETE", "/workflows/{id}") => Right(P::WorkflowDelete),
        ("POST", "/workflows/{id}/execute") => Right(P::WorkflowRun),
        (
            "GET",
            "/workflow-executions"
            | "/workflow-executions/{id}"
            | "/workflow-executions/{id}/forks"
            | "/workflow-executions/{id}/journal"
            | "/workflow-executions/{id}/steps/{key}",
        ) => Right(P::WorkflowView),
        ("POST", "/workflow-executions/{id}/fork" | "/workflow-executions/{id}/events") => Right(P::WorkflowRun),
        ("POST", "/workflow-executions/{id}/move") => Right(P::WorkflowUpdate),
        _ => return None,
    })
}
