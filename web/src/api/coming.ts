/**
 * Routes whose code is there and which the committed contract does not name yet. Once `openapi/serverflow.json` has them,
 * this file goes, and with it its two lines in `client.ts`.
 */

export interface paths {
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    q?: string;
                    state?: string;
                    limit?: number;
                    after?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Vec_Person"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Person"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangePerson"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Person"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/users/{id}/suspend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/reinstate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/sign-out": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{id}/reset-factors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    limit?: number;
                    after?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Vec_Invitation"];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewInvitation"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_InvitationMade"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/invitation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["OpenInvitation"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Welcome"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["AcceptInvitation"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_SignedIn"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/forgot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ForgotPassword"];
                };
            };
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ResetPassword"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangePassword"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Me"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangeAccount"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_User"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/mail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Mail"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mail/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["TestMail"];
                };
            };
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Login"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Entered"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/login/factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["AnswerFactor"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_SignedIn"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/factors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Factors"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/factors/totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["AddTotp"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_NewTotp"];
                    };
                };
            };
        };
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["FactorCode"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/factors/totp/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["FactorCode"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_RecoveryCodes"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/factors/recovery-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["FactorCode"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_RecoveryCodes"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Vec_Session"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_EndedSessions"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/device": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query: {
                    userCode: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_WaitingDevice"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/device/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DecideDevice"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/device/deny": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DecideDevice"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    project?: string;
                    q?: string;
                    limit?: number;
                    after?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Vec_Secret"];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewSecret"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Secret"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/secrets/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Nothing"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: {
                    dryRun?: boolean;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangeSecret"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Envelope_Secret"];
                    };
                };
            };
        };
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AcceptInvitation: {
            token: string;
            name: string;
            password: string;
            kind?: components["schemas"]["Kind"];
        };
        AddTotp: {
            password: string;
        };
        AnswerFactor: {
            ticket: string;
            code: string;
            method: string;
            kind?: components["schemas"]["Kind"];
        };
        ChangeAccount: {
            name?: string | null;
            locale?: string | null;
        };
        ChangePassword: {
            current: string;
            new: string;
        };
        ChangePerson: {
            name: string;
        };
        ChangeSecret: {
            value?: string | null;
            description?: string | null;
        };
        DecideDevice: {
            userCode: string;
        };
        /** @description What to do about a failure. */
        Details: {
            /** @description One sentence. */
            fix?: string | null;
            /** @description The field that is wrong: `settings.env[2].name`. */
            field?: string | null;
        };
        EndedSessions: {
            ended: number;
        };
        Entered: components["schemas"]["SignedIn"] | components["schemas"]["FactorAsked"];
        Envelope_EndedSessions: {
            success: boolean;
            data?: components["schemas"]["EndedSessions"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        Envelope_Entered: {
            success: boolean;
            data?: components["schemas"]["Entered"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        Envelope_Factors: {
            success: boolean;
            data?: components["schemas"]["Factors"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        Envelope_InvitationMade: {
            success: boolean;
            data?: components["schemas"]["InvitationMade"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        Envelope_Mail: {
            success: boolean;
            data?: components["schemas"]["Mail"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        /** @description `{"success", "data", "error", "meta"}`: the same for successes and failures. */
        Envelope_Me: {
            /** @description Whether it worked. */
            success: boolean;
            /** @description Who is asking. */
            data?: {
                /** @description Who. */
                user: components["schemas"]["User"];
                /** @description In which tenant. */
                tenant: components["schemas"]["Tenant"];
                /** @description What they may do in the whole tenant. */
                permissions: string[];
                /** @description What they were given, there and at single objects. */
                grants: components["schemas"]["Grant"][];
                /** @description `session` or `token`. */
                via: string;
            };
            error?: components["schemas"]["ErrorBody"] | null;
            /** @description About the answer itself. */
            meta: components["schemas"]["Meta"];
        };
        Envelope_NewTotp: {
            success: boolean;
            data?: components["schemas"]["NewTotp"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        /** @description `{"success", "data", "error", "meta"}`: the same for successes and failures. */
        Envelope_Nothing: {
            /** @description Whether it worked. */
            success: boolean;
            /** @description An answer that says nothing but that it was done. */
            data?: Record<string, never>;
            error?: components["schemas"]["ErrorBody"] | null;
            /** @description About the answer itself. */
            meta: components["schemas"]["Meta"];
        };
        Envelope_Person: {
            success: boolean;
            data?: components["schemas"]["Person"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        Envelope_RecoveryCodes: {
            success: boolean;
            data?: components["schemas"]["RecoveryCodes"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        Envelope_Secret: {
            success: boolean;
            data?: components["schemas"]["Secret"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        /** @description `{"success", "data", "error", "meta"}`: the same for successes and failures. */
        Envelope_SignedIn: {
            /** @description Whether it worked. */
            success: boolean;
            /** @description A person's signed-in state. */
            data?: {
                /** @description Good for 15 minutes, as `Authorization: Bearer`. */
                accessToken: string;
                /** @description Until when. */
                expiresAt: components["schemas"]["Time"];
                /** @description For the CLI only; browsers have it in a cookie they cannot read. */
                refreshToken?: string | null;
                /** @description Who. */
                user: components["schemas"]["User"];
                /** @description What they may do. */
                permissions: string[];
            };
            error?: components["schemas"]["ErrorBody"] | null;
            /** @description About the answer itself. */
            meta: components["schemas"]["Meta"];
        };
        Envelope_User: {
            success: boolean;
            data?: components["schemas"]["User"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        Envelope_Vec_Invitation: {
            success: boolean;
            data?: components["schemas"]["Invitation"][];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        Envelope_Vec_Person: {
            success: boolean;
            data?: components["schemas"]["Person"][];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        Envelope_Vec_Secret: {
            success: boolean;
            data?: components["schemas"]["Secret"][];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        /** @description `{"success", "data", "error", "meta"}`: the same for successes and failures. */
        Envelope_Vec_Session: {
            /** @description Whether it worked. */
            success: boolean;
            data?: {
                /**
                 * Format: uuid
                 * @description Its id.
                 */
                id: string;
                /** @description `browser` or `cli`. */
                kind: string;
                /** @description "Firefox on Linux". */
                userAgent?: string | null;
                /** @description Address it began from. */
                ip?: string | null;
                /** @description When it began. */
                createdAt: components["schemas"]["Time"];
                /** @description When it was last used. */
                lastUsedAt: components["schemas"]["Time"];
                /** @description When it ends. */
                expiresAt: components["schemas"]["Time"];
                /** @description Whether it is the one asking. */
                current: boolean;
            }[];
            error?: components["schemas"]["ErrorBody"] | null;
            /** @description About the answer itself. */
            meta: components["schemas"]["Meta"];
        };
        Envelope_WaitingDevice: {
            success: boolean;
            data?: components["schemas"]["WaitingDevice"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        Envelope_Welcome: {
            success: boolean;
            data?: components["schemas"]["Welcome"];
            error?: components["schemas"]["ErrorBody"];
            meta: components["schemas"]["Meta"];
        };
        /** @description What went wrong. */
        ErrorBody: {
            /** @description Stable, dotted: `app.not_found`. */
            code: string;
            /** @description What happened and why. */
            message: string;
            /** @description What to do about it. */
            details: components["schemas"]["Details"];
        };
        FactorAsked: {
            factor: components["schemas"]["FactorTicket"];
        };
        FactorCode: {
            code: string;
        };
        FactorTicket: {
            ticket: string;
            methods: string[];
            expiresAt: components["schemas"]["Time"];
        };
        Factors: {
            totp?: components["schemas"]["Totp"] | null;
            recoveryCodesLeft: number;
        };
        ForgotPassword: {
            email: string;
        };
        /** @description One thing that somebody was given at one object. */
        Grant: {
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /** @description The role: a built-in name or an id; null for a single permission. */
            role?: string | null;
            /** @description What a person reads for it. */
            roleTitle?: string | null;
            /** @description What it allows now. */
            permissions: string[];
            /** @description Where. */
            object: components["schemas"]["Object"];
            /**
             * Format: uuid
             * @description Who gave it; null for the first administrator.
             */
            grantedBy?: string | null;
            createdAt?: components["schemas"]["Time"] | null;
        };
        Invitation: {
            id: string;
            email: string;
            role: string;
            object: components["schemas"]["Object"];
            invitedBy: components["schemas"]["Inviter"];
            createdAt: components["schemas"]["Time"];
            expiresAt: components["schemas"]["Time"];
            state: string;
        };
        InvitationMade: {
            invitation: components["schemas"]["Invitation"];
            mailed: boolean;
            link: string;
        };
        Inviter: {
            id?: string | null;
            name?: string | null;
        };
        /**
         * @description What kind of program signs in.
         * @enum {string}
         */
        Kind: "browser" | "cli";
        /** @description Who signs in. */
        Login: {
            /** @description Their address. */
            email: string;
            /** @description Their password. */
            password: string;
            /** @description `browser` (default) or `cli`. */
            kind?: components["schemas"]["Kind"];
        };
        Mail: {
            configured: boolean;
            from?: string | null;
            host?: string | null;
            waiting: number;
            lastError?: string | null;
        };
        /** @description About the answer itself. */
        Meta: {
            /**
             * Format: uuid
             * @description The request; the correlation id of everything it caused.
             */
            requestId: string;
            /** @description When it was answered. */
            timestamp: components["schemas"]["Time"];
            page?: components["schemas"]["PageMeta"] | null;
        };
        NewInvitation: {
            email: string;
            role: string;
            object?: components["schemas"]["ObjectBody"];
        };
        NewSecret: {
            project?: string | null;
            name: string;
            value: string;
            description?: string | null;
        };
        NewTotp: {
            id: string;
            secret: string;
            uri: string;
        };
        /** @description An object that rights are given at. */
        Object: {
            /** @description `tenant`, `project`, `node`, `app` or `server`. */
            kind: string;
            /** @description Its id; null for the team. */
            id?: string | null;
            /** @description Its name; null for the team and for what is gone. */
            name?: string | null;
        };
        /** @description An object as a body names it. */
        ObjectBody: {
            /** @description `tenant`, `project`, `node`, `app` or `server`. */
            kind: string;
            /**
             * Format: uuid
             * @description Its id; none for the team.
             */
            id?: string | null;
        };
        OpenInvitation: {
            token: string;
        };
        /** @description Where a list goes on. */
        PageMeta: {
            /** @description Pass as `after`; null on the last page. */
            next?: string | null;
        };
        Person: {
            id: string;
            email: string;
            name: string;
            state: string;
            twoFactor: boolean;
            createdAt: components["schemas"]["Time"];
            lastSignInAt?: components["schemas"]["Time"] | null;
            roles: components["schemas"]["Grant"][];
        };
        RecoveryCodes: {
            recoveryCodes: string[];
        };
        ResetPassword: {
            token: string;
            password: string;
        };
        Secret: {
            id: string;
            project: string;
            name: string;
            description: string;
            version: number;
            createdAt: components["schemas"]["Time"];
            updatedAt: components["schemas"]["Time"];
            updatedBy?: string | null;
            usedBy: components["schemas"]["SecretUser"][];
        };
        SecretUser: {
            kind: string;
            id: string;
            name: string;
        };
        /** @description A person's signed-in state. */
        SignedIn: {
            /** @description Good for 15 minutes, as `Authorization: Bearer`. */
            accessToken: string;
            /** @description Until when. */
            expiresAt: components["schemas"]["Time"];
            /** @description For the CLI only; browsers have it in a cookie they cannot read. */
            refreshToken?: string | null;
            /** @description Who. */
            user: components["schemas"]["User"];
            /** @description What they may do. */
            permissions: string[];
        };
        /** @description A team. */
        Tenant: {
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /** @description Its name. */
            name: string;
        };
        TestMail: {
            to: string;
        };
        /**
         * Format: date-time
         * @description RFC 3339 with milliseconds, UTC.
         * @example 2026-11-21T06:27:41.007Z
         */
        Time: string;
        Totp: {
            id: string;
            label: string;
            confirmedAt: components["schemas"]["Time"];
        };
        /** @description A person. */
        User: {
            /**
             * Format: uuid
             * @description Their id.
             */
            id: string;
            /** @description Their address. */
            email: string;
            /** @description What they are called. */
            name: string;
        };
        WaitingDevice: {
            client: string;
            address: string;
            createdAt: components["schemas"]["Time"];
            expiresAt: components["schemas"]["Time"];
        };
        Welcome: {
            email: string;
            team: string;
            invitedBy?: string | null;
            expiresAt: components["schemas"]["Time"];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
