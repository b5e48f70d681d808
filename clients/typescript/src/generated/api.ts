// Written by `npm run openapi` from openapi.json. Do not edit.

export interface paths {
    "/v1/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the providers */
        get: operations["providersList"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/link-sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a link session: get the URL of a page where the user links accounts
         * @description Needs an API key with the scope `links:write`. The page also shows the connections of the user if the key has `connections:read`, and unlinks them if it has `connections:write`.
         */
        post: operations["linkSessionsCreate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/links/{link_id}/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm a link for the user who is signed in to your application
         * @description Needs an API key with the scope `links:write`.
         */
        post: operations["linksConfirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/links/{link_id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Resume a link after a form_post callback: read its cookie */
        get: operations["linksResume"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/oauth/{provider}/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Receive the callback of a provider
         * @description The provider sends the browser here. Unknown parameters are ignored. If the link has already ended, the browser is sent to the return_url with the outcome of the first visit, without a confirmation code. A prefetching browser (Sec-Purpose, Purpose or X-Moz) gets 503 without a body, and the link stays open.
         */
        get: operations["linksFinishByGet"];
        put?: never;
        /** Receive the callback of a provider that uses form_post */
        post: operations["linksFinishByPost"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{user_id}/connections/{provider}/link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start a link: get the URL that the user opens in a browser
         * @description Needs an API key with the scope `links:write`, or the user token of this user.
         */
        post: operations["linksStart"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List connections of all users
         * @description Needs an API key with the scope `fleet:read`. Ordered by user and provider. Follow `next_cursor` to the end, with the same filters. You then see each connection once, if it existed the whole time. A page examines at most 10,000 connections, so it may have few or none although more follow. Filters compare the stored state. A connection that ended less than a minute ago may still be found as `active`. The list may come from a read replica. A page has every change before its `as_of`. To get later changes, pass the `as_of` of the first page as `updated_after`.
         */
        get: operations["fleetList"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count connections by provider, status and reason
         * @description Needs an API key with the scope `fleet:read`. A worker counts once a minute, and this call returns the last counts. Without a worker this call counts, and the counts are up to five minutes old.
         */
        get: operations["fleetStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{user_id}/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a user's connections
         * @description Needs an API key with the scope `connections:read`, or the user token of this user.
         */
        get: operations["connectionsList"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{user_id}/connections/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the state of one connection
         * @description Needs an API key with the scope `connections:read`, or the user token of this user.
         */
        get: operations["connectionsGet"];
        put?: never;
        post?: never;
        /**
         * Unlink: erase the tokens here and revoke the grant at the provider
         * @description Needs an API key with the scope `connections:write`, or the user token of this user.
         */
        delete: operations["connectionsDisconnect"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{user_id}/connections/{provider}/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Refresh the tokens now, even if they are still valid
         * @description Needs an API key with the scope `connections:write`. If the provider does not respond in time, the call fails with PROVIDER_UNAVAILABLE. A late response is still stored.
         */
        post: operations["connectionsRefresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{user_id}/connections/{provider}/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a valid token
         * @description Needs an API key with the scope `tokens:read`. If a refresh is due while the token is still valid, the call waits at most 2 s for it and then returns the old token. If less than 5 s are left, the call waits for the refresh. See `expires_at` for the time left.
         */
        get: operations["connectionsToken"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{user_id}/connections/{provider}/token/rejected": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Report that the provider's API rejected a token with 401, and get the current token
         * @description Needs an API key with the scope `tokens:read`. Triggers one refresh, and only if the reported token is still the current one, even if many callers report it. Returns the current token as the call for a valid token does. It is the same token if it could not be replaced.
         */
        post: operations["connectionsRejected"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import tokens that another system obtained
         * @description Needs an API key with the scope `connections:import`. Each row succeeds or is refused by itself. Repeating a call imports nothing twice. The other system must not use the tokens any more.
         */
        post: operations["importsImport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{user_id}/connections/{provider}/proxy/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Call the provider's API with the user's token
         * @description Needs an API key with the scope `tokens:sign`. The path after `proxy/` is appended to the base URL of the provider's API. Path, query and body are sent unchanged, with the user's token or signature added. A response with the header `cufflink-answer-from` comes from the provider, with its status and body. A response without it is an error of this service. docs/calling-providers.md lists the headers that are passed on.
         */
        get: operations["proxyGet"];
        /**
         * Call the provider's API with the user's token
         * @description Needs an API key with the scope `tokens:sign`. The path after `proxy/` is appended to the base URL of the provider's API. Path, query and body are sent unchanged, with the user's token or signature added. A response with the header `cufflink-answer-from` comes from the provider, with its status and body. A response without it is an error of this service. docs/calling-providers.md lists the headers that are passed on.
         */
        put: operations["proxyPut"];
        /**
         * Call the provider's API with the user's token
         * @description Needs an API key with the scope `tokens:sign`. The path after `proxy/` is appended to the base URL of the provider's API. Path, query and body are sent unchanged, with the user's token or signature added. A response with the header `cufflink-answer-from` comes from the provider, with its status and body. A response without it is an error of this service. docs/calling-providers.md lists the headers that are passed on.
         */
        post: operations["proxyPost"];
        /**
         * Call the provider's API with the user's token
         * @description Needs an API key with the scope `tokens:sign`. The path after `proxy/` is appended to the base URL of the provider's API. Path, query and body are sent unchanged, with the user's token or signature added. A response with the header `cufflink-answer-from` comes from the provider, with its status and body. A response without it is an error of this service. docs/calling-providers.md lists the headers that are passed on.
         */
        delete: operations["proxyDelete"];
        options?: never;
        head?: never;
        /**
         * Call the provider's API with the user's token
         * @description Needs an API key with the scope `tokens:sign`. The path after `proxy/` is appended to the base URL of the provider's API. Path, query and body are sent unchanged, with the user's token or signature added. A response with the header `cufflink-answer-from` comes from the provider, with its status and body. A response without it is an error of this service. docs/calling-providers.md lists the headers that are passed on.
         */
        patch: operations["proxyPatch"];
        trace?: never;
    };
    "/v1/users/{user_id}/connections/{provider}/sign": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign one request to the provider's API (OAuth 1.0a)
         * @description Needs an API key with the scope `tokens:sign`. The token secret stays in Cufflink. The signature is valid once, within the minutes that the provider allows.
         */
        post: operations["signingSign"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List events of the last 30 days, oldest first
         * @description Needs an API key with the scope `events:read`. Keep `next_cursor` and pass it as `after` the next time: you then see every event once, in order. The events are the same that webhook endpoints receive. An event appears within a second after the change.
         */
        get: operations["eventsList"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the endpoints
         * @description Needs an API key with the scope `webhooks:write`.
         */
        get: operations["webhookEndpointsList"];
        put?: never;
        /**
         * Add an endpoint that receives events
         * @description Needs an API key with the scope `webhooks:write`. The endpoint receives events from now on, signed as the Standard Webhooks specification says. Respond with 2xx within 15 s. Failed deliveries are repeated for more than three days. An endpoint is disabled when every delivery fails for 5 days, and at once when it responds with 410. See docs/events.md.
         */
        post: operations["webhookEndpointsCreate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{endpoint_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get one endpoint
         * @description Needs an API key with the scope `webhooks:write`.
         */
        get: operations["webhookEndpointsGet"];
        put?: never;
        post?: never;
        /**
         * Remove an endpoint, and the deliveries that wait for it
         * @description Needs an API key with the scope `webhooks:write`.
         */
        delete: operations["webhookEndpointsRemove"];
        options?: never;
        head?: never;
        /**
         * Change an endpoint, or enable it again
         * @description Needs an API key with the scope `webhooks:write`.
         */
        patch: operations["webhookEndpointsChange"];
        trace?: never;
    };
    "/v1/webhook-endpoints/{endpoint_id}/attempts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the attempts to deliver to an endpoint, newest first
         * @description Needs an API key with the scope `webhooks:write`.
         */
        get: operations["webhookEndpointsAttempts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{endpoint_id}/resend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deliver one event again
         * @description Needs an API key with the scope `webhooks:write`.
         */
        post: operations["webhookEndpointsResend"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{endpoint_id}/resend-failed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deliver all events since an instant that the endpoint has not received
         * @description Needs an API key with the scope `webhooks:write`. This includes events from a time in which the endpoint was disabled.
         */
        post: operations["webhookEndpointsResendFailed"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{endpoint_id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a new signing secret
         * @description Needs an API key with the scope `webhooks:write`. For 24 hours every delivery has two signatures, one for each secret.
         */
        post: operations["webhookEndpointsRotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{endpoint_id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a webhook.test event to the endpoint
         * @description Needs an API key with the scope `webhooks:write`.
         */
        post: operations["webhookEndpointsTest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Erase all data about a user, and revoke the grants at the providers
         * @description Needs an API key with the scope `connections:write`.
         */
        delete: operations["usersErase"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{user_id}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export all data about a user, without tokens and secrets
         * @description Needs an API key with the scope `connections:read`.
         */
        get: operations["usersExport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/hooks/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Respond to a provider's check of the URL
         * @description Providers call this, some with HEAD. Status and body are those that the provider expects. A wrong token gets 401, 403 or 404.
         */
        get: operations["hooksCheck"];
        put?: never;
        /**
         * Receive a notification of a provider
         * @description Providers call this. The proof is verified over the raw body, the events are stored, and the status is the one that the provider expects. Only ids, times and names of the body are kept. An unproven notification ends no connection. A wrong proof gets 401 or 404.
         */
        post: operations["hooksReceive"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/hooks/{provider}/{path_secret}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Respond to a provider's check of the URL
         * @description Providers call this, some with HEAD. Status and body are those that the provider expects. A wrong token gets 401, 403 or 404.
         */
        get: operations["hooksCheckAtSecretPath"];
        put?: never;
        /**
         * Receive a notification of a provider
         * @description Providers call this. The proof is verified over the raw body, the events are stored, and the status is the one that the provider expects. Only ids, times and names of the body are kept. An unproven notification ends no connection. A wrong proof gets 401 or 404.
         */
        post: operations["hooksReceiveAtSecretPath"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that the process is running */
        get: operations["healthLive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check that calls can be served
         * @description 503 while the database does not respond, migrations are pending, no key can be used, or the process is stopping. A check that is `degraded` does not count as a failure. Both responses have `checks` and `version`.
         */
        get: operations["healthReady"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get metrics in the Prometheus text format
         * @description Needs an API key with the scope `metrics:read`.
         */
        get: operations["metricsMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the audit trail, newest entries first
         * @description Needs an API key with the scope `audit:read`. The list may come from a read replica. A page has every entry that was written before its `as_of`.
         */
        get: operations["auditFind"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    "connection.linked": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event connection.linked
         * @description The user has linked an account. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverConnectionLinkedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connection.relinked": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event connection.relinked
         * @description The user has linked again. The connection keeps its id. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverConnectionRelinkedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connection.scopes_changed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event connection.scopes_changed
         * @description The provider has granted other scopes than before. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverConnectionScopesChangedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connection.refresh_failing": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event connection.refresh_failing
         * @description A refresh failed for the first time since the last success. Retries follow; the user need not do anything. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverConnectionRefreshFailingEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connection.recovered": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event connection.recovered
         * @description A connection works again after failed refreshes, or after its end. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverConnectionRecoveredEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connection.needs_relink": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event connection.needs_relink
         * @description The connection has ended. Ask the user to link again. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverConnectionNeedsRelinkEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connection.expiring": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event connection.expiring
         * @description The refresh token expires in a few days unless it is used before. Ask the user to link again. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverConnectionExpiringEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "connection.unlinked": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event connection.unlinked
         * @description The connection was removed. The reason `migrated` means that a connection of the successor replaced it. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverConnectionUnlinkedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "user.erased": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event user.erased
         * @description All data of the user is erased. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverUserErasedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "provider.retiring": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event provider.retiring
         * @description The provider has announced the end of its API. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverProviderRetiringEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "provider.degraded": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event provider.degraded
         * @description The circuit breaker of the provider opened: refreshes are paused. Tokens that still work are issued. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverProviderDegradedEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "provider.restored": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event provider.restored
         * @description The circuit breaker of the provider closed: refreshes have resumed. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverProviderRestoredEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "data.available": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event data.available
         * @description The provider has announced new data of the user. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverDataAvailableEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "webhook.disabled": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event webhook.disabled
         * @description Deliveries to an endpoint were stopped: they failed for days, or it responded with HTTP 410. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverWebhookDisabledEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "webhook.test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * An event webhook.test
         * @description You have requested a test of an endpoint. Your endpoint receives it. Verify the signature before you read the body: docs/events.md says how.
         */
        post: operations["deliverWebhookTestEvent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        AttemptListResponse: {
            /** @description newest first */
            attempts: components["schemas"]["AttemptResponse"][];
            /**
             * @description null: last page
             * @example null
             */
            next_cursor: string | null;
        };
        AttemptResponse: {
            /** @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d */
            event_id: string;
            /** @example connection.needs_relink */
            event_type: string;
            /**
             * @description counts the attempts of one delivery
             * @example 1
             */
            attempt: number;
            /** @example 2026-11-30T10:00:00.000Z */
            attempted_at: string;
            /** @example 87 */
            duration_ms: number;
            /**
             * @description retrying: another attempt follows; failed: no attempt follows, resend the event
             * @example delivered
             * @enum {string}
             */
            outcome: "delivered" | "retrying" | "failed";
            /**
             * @description null: no response
             * @example 204
             */
            http_status: number | null;
            /**
             * @description why there was no response, such as TIMEOUT
             * @example null
             */
            error_code: string | null;
            /** @example null */
            next_attempt_at: string | null;
        };
        AuditEntryFacts: {
            /** @example 2026-11-22T10:00:00.000Z */
            recorded_at: string;
            /**
             * @example token.handed_out
             * @enum {string}
             */
            action: "link.started" | "link.completed" | "link.failed" | "link.confirmed" | "connection.unlinked" | "connection.needs_relink" | "connection.recovered" | "connection.exchange_begun" | "connection.exchanged" | "connection.exchange_failed" | "connection.migrated" | "connection.imported" | "connection.exported" | "connections.frozen" | "connections.thawed" | "token.handed_out" | "request.proxied" | "request.signed" | "token.rejected" | "token.refreshed" | "token.refresh_failed" | "token.refresh_superseded" | "access.denied" | "user.erased" | "user.exported" | "key.added" | "key.promoted" | "key.reencrypted" | "key.rewrapped" | "key.retired" | "api_key.created" | "api_key.rotated" | "api_key.revoked" | "api_key.bound" | "audit.pruned" | "webhook_endpoint.created" | "webhook_endpoint.changed" | "webhook_endpoint.rotated" | "webhook_endpoint.removed" | "console.signed_in" | "console.signed_out" | "console.user_viewed" | "console.delivery_resent";
            /**
             * @example success
             * @enum {string}
             */
            outcome: "success" | "denied" | "failed";
            /**
             * @description the actor
             * @example api-key:0123456789abcdef01
             */
            actor: string;
            /** @example whoop */
            provider: string | null;
            /** @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69 */
            connection_id: string | null;
            /**
             * @description the object of the action, if it is neither the user nor the provider
             * @example null
             */
            subject: string | null;
            /**
             * @description error code of a denied or failed action
             * @example null
             */
            code: string | null;
            /**
             * @description the request_id in the log
             * @example req-12345
             */
            request_id: string | null;
            /**
             * @description network of the caller; equal values are the same network
             * @example digest:3f9a1c0d5e7b2a4866d1f0c9
             */
            address: string | null;
        };
        AuditEntryResponse: {
            /** @example 2026-11-22T10:00:00.000Z */
            recorded_at: string;
            /**
             * @example token.handed_out
             * @enum {string}
             */
            action: "link.started" | "link.completed" | "link.failed" | "link.confirmed" | "connection.unlinked" | "connection.needs_relink" | "connection.recovered" | "connection.exchange_begun" | "connection.exchanged" | "connection.exchange_failed" | "connection.migrated" | "connection.imported" | "connection.exported" | "connections.frozen" | "connections.thawed" | "token.handed_out" | "request.proxied" | "request.signed" | "token.rejected" | "token.refreshed" | "token.refresh_failed" | "token.refresh_superseded" | "access.denied" | "user.erased" | "user.exported" | "key.added" | "key.promoted" | "key.reencrypted" | "key.rewrapped" | "key.retired" | "api_key.created" | "api_key.rotated" | "api_key.revoked" | "api_key.bound" | "audit.pruned" | "webhook_endpoint.created" | "webhook_endpoint.changed" | "webhook_endpoint.rotated" | "webhook_endpoint.removed" | "console.signed_in" | "console.signed_out" | "console.user_viewed" | "console.delivery_resent";
            /**
             * @example success
             * @enum {string}
             */
            outcome: "success" | "denied" | "failed";
            /**
             * @description the actor
             * @example api-key:0123456789abcdef01
             */
            actor: string;
            /** @example whoop */
            provider: string | null;
            /** @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69 */
            connection_id: string | null;
            /**
             * @description the object of the action, if it is neither the user nor the provider
             * @example null
             */
            subject: string | null;
            /**
             * @description error code of a denied or failed action
             * @example null
             */
            code: string | null;
            /**
             * @description the request_id in the log
             * @example req-12345
             */
            request_id: string | null;
            /**
             * @description network of the caller; equal values are the same network
             * @example digest:3f9a1c0d5e7b2a4866d1f0c9
             */
            address: string | null;
            /**
             * @description the same for all entries of a user
             * @example c0ffee…
             */
            user_digest: string | null;
            /**
             * @description the process that wrote it
             * @example 3
             */
            writer: number;
            /**
             * @description position among the entries of that process
             * @example 17
             */
            sequence: number;
        };
        AuditPageResponse: {
            /** @description newest first */
            entries: components["schemas"]["AuditEntryResponse"][];
            /**
             * @description the page has every entry that was written before this instant
             * @example 2026-11-22T10:00:00.000Z
             */
            as_of: string;
            /**
             * @description null: last page
             * @example null
             */
            next_cursor: string | null;
        };
        BearerTokenResponse: {
            /**
             * @description null: never expires, or the expiry is unknown
             * @example 2026-11-22T11:00:00.000Z
             */
            expires_at: string | null;
            /**
             * @description null: the granted scopes are unknown
             * @example [
             *       "offline",
             *       "read:sleep"
             *     ]
             */
            scopes: string[] | null;
            /**
             * @description SHA-256 of the token's UTF-8 bytes in hex; send it to report that the provider's API rejected the token
             * @example 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
             */
            fingerprint: string;
            /** @description how to call the provider's API with the token */
            api: components["schemas"]["TokenUseResponse"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            token_type: "bearer";
            /**
             * @description send it as Authorization: Bearer
             * @example example-access-token
             */
            access_token: string;
        };
        ChangeEndpointBody: {
            /**
             * @description a public https URL
             * @example https://app.example.com/cufflink
             */
            url?: string;
            /**
             * @description empty: all
             * @example [
             *       "connection.needs_relink"
             *     ]
             */
            event_types?: ("connection.linked" | "connection.relinked" | "connection.scopes_changed" | "connection.refresh_failing" | "connection.recovered" | "connection.needs_relink" | "connection.expiring" | "connection.unlinked" | "user.erased" | "provider.retiring" | "provider.degraded" | "provider.restored" | "data.available" | "webhook.disabled" | "webhook.test")[];
            /**
             * @description slugs of providers; null: all. Events without a provider are always sent
             * @example [
             *       "whoop"
             *     ]
             */
            providers?: string[] | null;
            /**
             * @description enable an endpoint again that was disabled; deliveries in its queue then continue
             * @example enabled
             * @enum {string}
             */
            status?: "enabled" | "disabled";
        };
        ConfirmLinkBody: {
            /**
             * @description your own id of the user
             * @example user-42
             */
            user_id: string;
            /**
             * @description the confirmation_code that the return_url received; works once
             * @example dGhpcy1pcy1hLWNvbmZpcm1hdGlvbi1jb2RlLW9mLTQzLWM
             */
            confirmation_code: string;
        };
        ConnectionCountResponse: {
            /** @example whoop */
            provider: string;
            /**
             * @example active
             * @enum {string}
             */
            status: "active" | "needs_relink";
            /**
             * @description see docs/errors.md
             * @example null
             * @enum {string|null}
             */
            reason: "refusal_unconfirmed" | "gone_unconfirmed" | "refresh_failing" | "no_refresh_token" | "grant_refused" | "unreachable" | "provider_gone" | "provider_retired" | "account_taken" | "deauthorized" | "account_deleted" | null;
            /** @example 4711 */
            connections: number;
        };
        /**
         * connection.expiring
         * @description The refresh token expires in a few days unless it is used before. Ask the user to link again.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "connection.expiring",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "user_id": "user-42",
         *         "provider": "whoop",
         *         "connection_id": "0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69",
         *         "sequence": 7,
         *         "metadata": {
         *           "clinic": "north"
         *         },
         *         "expires_at": "2026-12-06T10:00:00.000Z",
         *         "expires_at_source": "provider",
         *         "source": "refresh",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        ConnectionExpiringEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "connection.expiring";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description your own id of the user
                 * @example user-42
                 */
                user_id: string;
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * Format: uuid
                 * @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69
                 */
                connection_id: string;
                /**
                 * @description counts the events of the connection, from 1
                 * @example 7
                 */
                sequence: number;
                metadata?: components["schemas"]["ConnectionMetadata"];
                /**
                 * Format: date-time
                 * @example 2026-12-06T10:00:00.000Z
                 */
                expires_at: string;
                /**
                 * @description provider: from the token response; declared: from the lifetime that the provider publishes
                 * @example provider
                 * @enum {string}
                 */
                expires_at_source: "provider" | "declared";
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        /**
         * connection.linked
         * @description The user has linked an account.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "connection.linked",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "user_id": "user-42",
         *         "provider": "whoop",
         *         "connection_id": "0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69",
         *         "sequence": 1,
         *         "metadata": {
         *           "clinic": "north"
         *         },
         *         "source": "call",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        ConnectionLinkedEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "connection.linked";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description your own id of the user
                 * @example user-42
                 */
                user_id: string;
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * Format: uuid
                 * @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69
                 */
                connection_id: string;
                /**
                 * @description counts the events of the connection, from 1
                 * @example 7
                 */
                sequence: number;
                metadata?: components["schemas"]["ConnectionMetadata"];
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        ConnectionListResponse: {
            connections: components["schemas"]["ConnectionResponse"][];
        };
        /**
         * @description your own metadata of the connection; absent without metadata
         * @example {
         *       "clinic": "north"
         *     }
         */
        ConnectionMetadata: {
            [key: string]: string;
        };
        /**
         * connection.needs_relink
         * @description The connection has ended. Ask the user to link again.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "connection.needs_relink",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "user_id": "user-42",
         *         "provider": "whoop",
         *         "connection_id": "0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69",
         *         "sequence": 7,
         *         "metadata": {
         *           "clinic": "north"
         *         },
         *         "reason": "grant_refused",
         *         "source": "refresh",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        ConnectionNeedsRelinkEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "connection.needs_relink";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description your own id of the user
                 * @example user-42
                 */
                user_id: string;
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * Format: uuid
                 * @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69
                 */
                connection_id: string;
                /**
                 * @description counts the events of the connection, from 1
                 * @example 7
                 */
                sequence: number;
                metadata?: components["schemas"]["ConnectionMetadata"];
                /**
                 * @description the `reason` of the connection; see docs/errors.md
                 * @example grant_refused
                 */
                reason: string;
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        /**
         * connection.recovered
         * @description A connection works again after failed refreshes, or after its end.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "connection.recovered",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "user_id": "user-42",
         *         "provider": "whoop",
         *         "connection_id": "0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69",
         *         "sequence": 7,
         *         "metadata": {
         *           "clinic": "north"
         *         },
         *         "source": "refresh",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        ConnectionRecoveredEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "connection.recovered";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description your own id of the user
                 * @example user-42
                 */
                user_id: string;
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * Format: uuid
                 * @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69
                 */
                connection_id: string;
                /**
                 * @description counts the events of the connection, from 1
                 * @example 7
                 */
                sequence: number;
                metadata?: components["schemas"]["ConnectionMetadata"];
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        /**
         * connection.refresh_failing
         * @description A refresh failed for the first time since the last success. Retries follow; the user need not do anything.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "connection.refresh_failing",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "user_id": "user-42",
         *         "provider": "whoop",
         *         "connection_id": "0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69",
         *         "sequence": 7,
         *         "metadata": {
         *           "clinic": "north"
         *         },
         *         "reason": "refresh_failing",
         *         "error_code": "PROVIDER_UNAVAILABLE",
         *         "source": "refresh",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        ConnectionRefreshFailingEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "connection.refresh_failing";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description your own id of the user
                 * @example user-42
                 */
                user_id: string;
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * Format: uuid
                 * @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69
                 */
                connection_id: string;
                /**
                 * @description counts the events of the connection, from 1
                 * @example 7
                 */
                sequence: number;
                metadata?: components["schemas"]["ConnectionMetadata"];
                /**
                 * @description the `reason` of the connection; see docs/errors.md
                 * @example grant_refused
                 */
                reason: string;
                /**
                 * @description see docs/errors.md
                 * @example PROVIDER_UNAVAILABLE
                 */
                error_code: string;
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        /**
         * connection.relinked
         * @description The user has linked again. The connection keeps its id.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "connection.relinked",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "user_id": "user-42",
         *         "provider": "whoop",
         *         "connection_id": "0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69",
         *         "sequence": 7,
         *         "metadata": {
         *           "clinic": "north"
         *         },
         *         "source": "call",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        ConnectionRelinkedEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "connection.relinked";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description your own id of the user
                 * @example user-42
                 */
                user_id: string;
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * Format: uuid
                 * @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69
                 */
                connection_id: string;
                /**
                 * @description counts the events of the connection, from 1
                 * @example 7
                 */
                sequence: number;
                metadata?: components["schemas"]["ConnectionMetadata"];
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        ConnectionResponse: {
            /** @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69 */
            connection_id: string;
            /** @example user-42 */
            user_id: string;
            /** @example whoop */
            provider: string;
            /**
             * @example active
             * @enum {string}
             */
            status: "active" | "needs_relink";
            /**
             * @description the cause of a needed new link, or a note about an active connection; see docs/errors.md
             * @example null
             * @enum {string|null}
             */
            reason: "refusal_unconfirmed" | "gone_unconfirmed" | "refresh_failing" | "no_refresh_token" | "grant_refused" | "unreachable" | "provider_gone" | "provider_retired" | "account_taken" | "deauthorized" | "account_deleted" | null;
            /**
             * @description whether the user must link the account again
             * @example false
             */
            needs_relink: boolean;
            /**
             * @description whether there is a refresh token
             * @example true
             */
            refreshable: boolean;
            /**
             * @description as reported by the provider, or as requested if it reports none; null: the report is unreadable
             * @example [
             *       "offline",
             *       "read:sleep"
             *     ]
             */
            scopes_granted: string[] | null;
            /**
             * @description requested but not granted; null: the granted scopes are unknown
             * @example [
             *       "read:workout"
             *     ]
             */
            scopes_missing: string[] | null;
            /**
             * @description granted but not requested: do not use them until you know why; null: the granted scopes are unknown
             * @example []
             */
            scopes_unrequested: string[] | null;
            /**
             * @description null: never expires, or the expiry is unknown
             * @example 2026-11-22T11:00:00.000Z
             */
            expires_at: string | null;
            /**
             * @description when the refresh token expires unless it is used before; null: no refresh token, or the expiry is unknown
             * @example null
             */
            refresh_expires_at: string | null;
            /**
             * @description provider: from the token response; declared: computed from the lifetime that the provider publishes
             * @example null
             * @enum {string|null}
             */
            refresh_expires_at_source: "provider" | "declared" | null;
            /** @example 2026-11-22T10:00:00.000Z */
            linked_at: string;
            /** @example null */
            last_refreshed_at: string | null;
            /**
             * @description since when the operator has stopped refreshes of it, because another system may use its tokens
             * @example null
             */
            frozen_at: string | null;
            /**
             * @description your own notes; see the call that starts a link
             * @example {
             *       "clinic": "north",
             *       "plan": "pro"
             *     }
             */
            metadata: {
                [key: string]: string;
            };
            last_error: components["schemas"]["LastErrorResponse"] | null;
        };
        /**
         * connection.scopes_changed
         * @description The provider has granted other scopes than before.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "connection.scopes_changed",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "user_id": "user-42",
         *         "provider": "whoop",
         *         "connection_id": "0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69",
         *         "sequence": 7,
         *         "metadata": {
         *           "clinic": "north"
         *         },
         *         "source": "refresh",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        ConnectionScopesChangedEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "connection.scopes_changed";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description your own id of the user
                 * @example user-42
                 */
                user_id: string;
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * Format: uuid
                 * @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69
                 */
                connection_id: string;
                /**
                 * @description counts the events of the connection, from 1
                 * @example 7
                 */
                sequence: number;
                metadata?: components["schemas"]["ConnectionMetadata"];
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        /**
         * connection.unlinked
         * @description The connection was removed. The reason `migrated` means that a connection of the successor replaced it.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "connection.unlinked",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "user_id": "user-42",
         *         "provider": "whoop",
         *         "connection_id": "0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69",
         *         "sequence": 7,
         *         "metadata": {
         *           "clinic": "north"
         *         },
         *         "reason": "migrated",
         *         "source": "operator",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        ConnectionUnlinkedEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "connection.unlinked";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description your own id of the user
                 * @example user-42
                 */
                user_id: string;
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * Format: uuid
                 * @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69
                 */
                connection_id: string;
                /**
                 * @description counts the events of the connection, from 1
                 * @example 7
                 */
                sequence: number;
                metadata?: components["schemas"]["ConnectionMetadata"];
                /**
                 * @description the `reason` of the connection; see docs/errors.md
                 * @example grant_refused
                 */
                reason?: string;
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        CreateEndpointBody: {
            /**
             * @description a public https URL
             * @example https://app.example.com/cufflink
             */
            url: string;
            /**
             * @description absent or empty: all
             * @example [
             *       "connection.needs_relink"
             *     ]
             */
            event_types?: ("connection.linked" | "connection.relinked" | "connection.scopes_changed" | "connection.refresh_failing" | "connection.recovered" | "connection.needs_relink" | "connection.expiring" | "connection.unlinked" | "user.erased" | "provider.retiring" | "provider.degraded" | "provider.restored" | "data.available" | "webhook.disabled" | "webhook.test")[];
            /**
             * @description slugs of providers; absent: all. Events without a provider are always sent
             * @example [
             *       "whoop"
             *     ]
             */
            providers?: string[];
        };
        CreateLinkSessionBody: {
            /**
             * @description your own id of the user
             * @example user-42
             */
            user_id: string;
            /**
             * @description the providers that the user may link; all if absent
             * @example [
             *       "whoop",
             *       "oura"
             *     ]
             */
            providers?: string[];
            /**
             * @description where the browser goes after each link: one of the registered RETURN_URLS. If absent, it stays on the page.
             * @example https://app.example.com/devices
             */
            return_url?: string;
            /**
             * @description as for starting a single link
             * @example true
             */
            require_confirmation?: boolean;
        };
        /**
         * data.available
         * @description The provider has announced new data of the user.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "data.available",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "user_id": "user-42",
         *         "provider": "whoop",
         *         "connection_id": "0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69",
         *         "sequence": 7,
         *         "metadata": {
         *           "clinic": "north"
         *         },
         *         "data_types": [
         *           "sleep"
         *         ],
         *         "source": "notification",
         *         "proof": "signed"
         *       }
         *     }
         */
        DataAvailableEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "data.available";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description your own id of the user
                 * @example user-42
                 */
                user_id: string;
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * Format: uuid
                 * @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69
                 */
                connection_id: string;
                /**
                 * @description counts the events of the connection, from 1
                 * @example 7
                 */
                sequence: number;
                metadata?: components["schemas"]["ConnectionMetadata"];
                /**
                 * @description kinds of data, in the words of the provider
                 * @example [
                 *       "sleep"
                 *     ]
                 */
                data_types: string[];
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        DisconnectedResponse: {
            /** @example true */
            disconnected: boolean;
            /**
             * @description result of the revocation at the provider; pending: it will be retried; left: it would also end another connection of the account; unsupported: the provider offers no way; failed: the user can revoke access at the provider
             * @example revoked
             * @enum {string}
             */
            provider_revocation: "revoked" | "left" | "unsupported" | "pending" | "failed";
        };
        EndpointListResponse: {
            /** @description the oldest first */
            endpoints: components["schemas"]["EndpointResponse"][];
        };
        EndpointResponse: {
            /** @example 5f0e1d2c-3b4a-4958-8776-655443322110 */
            id: string;
            /** @example https://app.example.com/cufflink */
            url: string;
            /**
             * @description empty: all
             * @example [
             *       "connection.needs_relink"
             *     ]
             */
            event_types: string[];
            /**
             * @description null: all
             * @example null
             */
            providers: string[] | null;
            /**
             * @example enabled
             * @enum {string}
             */
            status: "enabled" | "disabled";
            /**
             * @description failing: every delivery failed for days; gone: it responded with 410; call: you disabled it
             * @example null
             * @enum {string|null}
             */
            disabled_reason: "failing" | "gone" | "call" | null;
            /**
             * @description since when every delivery has failed
             * @example null
             */
            failing_since: string | null;
            /** @example 2026-11-30T10:00:00.000Z */
            created_at: string;
        };
        ErasedConnectionResponse: {
            /** @example whoop */
            provider: string;
            /**
             * @description result of the revocation at the provider; pending: it will be retried; left: it would also end another connection of the account; unsupported: the provider offers no way
             * @example revoked
             * @enum {string}
             */
            provider_revocation: "revoked" | "left" | "unsupported" | "pending" | "failed";
        };
        ErasedUserResponse: {
            /** @example true */
            erased: boolean;
            /** @example 2026-11-22T10:00:00.000Z */
            erased_at: string;
            connections: components["schemas"]["ErasedConnectionResponse"][];
        };
        /** @description an event of any type */
        Event: components["schemas"]["ConnectionLinkedEvent"] | components["schemas"]["ConnectionRelinkedEvent"] | components["schemas"]["ConnectionScopesChangedEvent"] | components["schemas"]["ConnectionRefreshFailingEvent"] | components["schemas"]["ConnectionRecoveredEvent"] | components["schemas"]["ConnectionNeedsRelinkEvent"] | components["schemas"]["ConnectionExpiringEvent"] | components["schemas"]["ConnectionUnlinkedEvent"] | components["schemas"]["UserErasedEvent"] | components["schemas"]["ProviderRetiringEvent"] | components["schemas"]["ProviderDegradedEvent"] | components["schemas"]["ProviderRestoredEvent"] | components["schemas"]["DataAvailableEvent"] | components["schemas"]["WebhookDisabledEvent"] | components["schemas"]["WebhookTestEvent"];
        ExportedConnection: {
            /** @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69 */
            connection_id: string;
            /** @example whoop */
            provider: string;
            /**
             * @description null: the provider does not report it
             * @example 8015551
             */
            provider_user_id: string | null;
            /**
             * @description the previous id, if the provider has changed its ids
             * @example null
             */
            former_provider_user_id: string | null;
            /**
             * @example active
             * @enum {string}
             */
            status: "active" | "needs_relink";
            /**
             * @example [
             *       "offline",
             *       "read:sleep"
             *     ]
             */
            scopes_requested: string[];
            /**
             * @description null: the provider does not report them, or not in a readable way
             * @example [
             *       "offline",
             *       "read:sleep"
             *     ]
             */
            scopes_granted: string[] | null;
            /** @example 2026-11-22T10:00:00.000Z */
            expires_at: string | null;
            /** @example null */
            refresh_expires_at: string | null;
            /** @example 2026-11-22T10:00:00.000Z */
            linked_at: string;
            /** @example null */
            last_refreshed_at: string | null;
            /** @example null */
            last_error_code: string | null;
            /** @example null */
            last_error_at: string | null;
            /**
             * @description since when the operator has stopped its refreshes
             * @example null
             */
            frozen_at: string | null;
            /**
             * @example {
             *       "clinic": "north",
             *       "plan": "pro"
             *     }
             */
            metadata: {
                [key: string]: string;
            };
        };
        ExportedLink: {
            /** @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69 */
            link_id: string;
            /** @example whoop */
            provider: string;
            /**
             * @example [
             *       "offline",
             *       "read:sleep"
             *     ]
             */
            scopes: string[];
            /** @example https://app.example.com/linked */
            return_url: string | null;
            /** @example true */
            require_confirmation: boolean;
            /**
             * @example refuse
             * @enum {string}
             */
            on_account_change: "refuse" | "replace";
            /**
             * @description for the connection; null: unchanged
             * @example {
             *       "clinic": "north",
             *       "plan": "pro"
             *     }
             */
            metadata: {
                [key: string]: string;
            } | null;
            /** @example 2026-11-22T10:00:00.000Z */
            started_at: string;
            /** @example 2026-11-22T10:00:00.000Z */
            expires_at: string;
            /**
             * @description when the browser came back
             * @example null
             */
            returned_at: string | null;
            /**
             * @example null
             * @enum {string|null}
             */
            waits_for: "binding" | "confirmation" | null;
            /** @example null */
            waits_until: string | null;
            /**
             * @description null: the link has not ended
             * @example connected
             */
            outcome: string | null;
        };
        ExportedLinkSession: {
            /**
             * @description null: all providers
             * @example [
             *       "whoop"
             *     ]
             */
            providers: string[] | null;
            /** @example null */
            return_url: string | null;
            /** @example true */
            require_confirmation: boolean;
            /** @example 2026-11-22T10:00:00.000Z */
            created_at: string;
            /** @example 2026-11-22T10:00:00.000Z */
            expires_at: string;
            /**
             * @description whether a browser has opened it
             * @example false
             */
            opened: boolean;
        };
        ExportedMigration: {
            /** @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69 */
            connection_id: string;
            /** @example garmin-oauth1 */
            provider: string;
            /**
             * @description the provider that replaces it
             * @example garmin
             */
            successor: string;
            /**
             * @example ready
             * @enum {string}
             */
            state: "ready" | "begun" | "exchanged";
            /** @example 2026-11-22T10:00:00.000Z */
            created_at: string;
            /** @example null */
            exchange_begun_at: string | null;
            /** @example null */
            last_error_code: string | null;
        };
        ExportedNotification: {
            /** @example strava */
            provider: string;
            /**
             * @example data
             * @enum {string}
             */
            kind: "deauthorized" | "account_deleted" | "permissions_changed" | "data";
            /**
             * @description the provider's name
             * @example activity
             */
            data_type: string | null;
            /** @example null */
            occurred_at: string | null;
            /** @example 2026-11-22T10:00:00.000Z */
            received_at: string;
            /**
             * @description null until it is processed
             * @example announced
             */
            outcome: string | null;
        };
        ExportedRevocation: {
            /**
             * @description id of the removed connection
             * @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69
             */
            connection_id: string;
            /** @example whoop */
            provider: string;
            /** @example 8015551 */
            provider_user_id: string | null;
            /** @example 2026-11-22T10:00:00.000Z */
            created_at: string;
            /** @example 2026-11-22T10:00:00.000Z */
            next_attempt_at: string;
            /** @example 2 */
            attempts: number;
            /** @example PROVIDER_UNAVAILABLE */
            last_error_code: string | null;
        };
        ExportedSubscription: {
            /** @example withings */
            provider: string;
            /**
             * @example active
             * @enum {string}
             */
            state: "pending" | "active" | "failed" | "blocked" | "not_configured";
            /**
             * @description subscriptions that there were at the last check
             * @example 12
             */
            active: number;
            /** @example null */
            error_code: string | null;
            /** @example 2026-11-22T10:00:00.000Z */
            checked_at: string | null;
        };
        FinishedLinkResponse: {
            /** @example true */
            success: boolean;
            /** @example The account is connected. */
            message: string;
            /** @example whoop */
            provider: string;
            /** @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69 */
            connection_id: string;
            /**
             * @description present if the provider normally issues a refresh token and issued none: the connection works until its access token expires
             * @example no_refresh_token
             * @enum {string}
             */
            warning?: "no_refresh_token";
        };
        FleetPageResponse: {
            connections: components["schemas"]["ConnectionResponse"][];
            /**
             * @description the page has every change that was stored before this instant
             * @example 2026-11-22T10:00:00.000Z
             */
            as_of: string;
            /**
             * @description null: last page; a page before it may have fewer connections than the limit, or none
             * @example null
             */
            next_cursor: string | null;
        };
        FleetStatsResponse: {
            /**
             * @description when the connections were counted; null while the first count runs
             * @example 2026-11-22T10:00:00.000Z
             */
            counted_at: string | null;
            /**
             * @description the total
             * @example 4711
             */
            connections: number;
            counts: components["schemas"]["ConnectionCountResponse"][];
        };
        ImportBody: {
            /** @description 1 to 100 rows */
            connections: components["schemas"]["ImportRow"][];
            /**
             * @description true: check the rows and store nothing
             * @example false
             */
            dry_run?: boolean;
            /**
             * @description replace the tokens of users who are connected already
             * @example false
             */
            replace?: boolean;
        };
        ImportResponse: {
            /** @example 1 */
            imported: number;
            /**
             * @description rows that an earlier call has imported
             * @example 0
             */
            already_imported: number;
            /** @example 0 */
            refused: number;
            /** @description one for each row, in their order */
            results: components["schemas"]["ImportedRowResponse"][];
        };
        ImportRow: {
            /**
             * @description your own id of the user
             * @example user-42
             */
            user_id: string;
            /**
             * @description slug of the provider
             * @example whoop
             */
            provider: string;
            /**
             * @description needed for OAuth 1.0a
             * @example example-access-token
             */
            access_token?: string;
            /** @example example-refresh-token */
            refresh_token?: string;
            /**
             * @description OAuth 1.0a only
             * @example example-token-secret
             */
            token_secret?: string;
            /**
             * @description when the access token expires
             * @example 2026-11-22T11:00:00.000Z
             */
            expires_at?: string;
            /**
             * @description when the refresh token expires
             * @example 2027-11-22T11:00:00.000Z
             */
            refresh_expires_at?: string;
            /**
             * @description when the access token was issued
             * @example 2026-11-22T10:00:00.000Z
             */
            issued_at?: string;
            /**
             * @description granted scopes; absent: unknown
             * @example [
             *       "offline",
             *       "read:sleep"
             *     ]
             */
            scopes?: string[];
            /**
             * @description the user's id at the provider; absent: the provider is asked
             * @example 8015551
             */
            provider_user_id?: string;
            /**
             * @description the client id that the tokens were issued to; absent: that of this deployment
             * @example your-client-id
             */
            client_id?: string;
            /**
             * @example {
             *       "clinic": "north",
             *       "plan": "pro"
             *     }
             */
            metadata?: {
                [key: string]: string;
            };
        };
        ImportedRowResponse: {
            /**
             * @description place of the row in the call, from 0
             * @example 0
             */
            index: number;
            /**
             * @example imported
             * @enum {string}
             */
            outcome: "imported" | "already_imported" | "refused";
            /**
             * @description absent if refused or in a dry run
             * @example 0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69
             */
            connection_id?: string;
            /**
             * @description see docs/moving.md
             * @example already_linked
             * @enum {string}
             */
            reason?: "invalid" | "access_denied" | "provider_unknown" | "provider_not_configured" | "provider_retired" | "other_registration" | "wrong_version" | "no_usable_token" | "refresh_token_expired" | "user_erased" | "already_linked" | "older_tokens" | "account_already_linked" | "account_changed" | "account_mismatch" | "token_rejected" | "failed";
            /**
             * @description the reason in words
             * @example The user has a connection to this provider. Import with the option "replace" to replace its tokens.
             */
            detail?: string;
            /**
             * @description facts that an imported row lacks
             * @example [
             *       "scopes_unknown"
             *     ]
             */
            warnings: string[];
        };
        LastErrorResponse: {
            /** @example PROVIDER_UNAVAILABLE */
            code: string;
            /** @example 2026-11-22T09:58:00.000Z */
            at: string;
        };
        LinkSessionResponse: {
            /**
             * @description 256 random bits
             * @example YS1saW5rLXRva2VuLW9mLTQzLWNoYXJhY3RlcnMtbG9uZw
             */
            link_token: string;
            /**
             * @description send the browser here. Only the first browser that opens it can use it. If a user has too many sessions, the oldest is voided.
             * @example https://link.example.com/connect?link_token=...
             */
            connect_url: string;
            /** @example 2026-11-22T10:10:00.000Z */
            expires_at: string;
        };
        NewEndpointResponse: {
            /** @example 5f0e1d2c-3b4a-4958-8776-655443322110 */
            id: string;
            /** @example https://app.example.com/cufflink */
            url: string;
            /**
             * @description empty: all
             * @example [
             *       "connection.needs_relink"
             *     ]
             */
            event_types: string[];
            /**
             * @description null: all
             * @example null
             */
            providers: string[] | null;
            /**
             * @example enabled
             * @enum {string}
             */
            status: "enabled" | "disabled";
            /**
             * @description failing: every delivery failed for days; gone: it responded with 410; call: you disabled it
             * @example null
             * @enum {string|null}
             */
            disabled_reason: "failing" | "gone" | "call" | null;
            /**
             * @description since when every delivery has failed
             * @example null
             */
            failing_since: string | null;
            /** @example 2026-11-30T10:00:00.000Z */
            created_at: string;
            /**
             * @description signs every delivery; shown only now
             * @example whsec_QW5FeGFtcGxlU2VjcmV0T2ZUaGlydHlUd29CeXRlcyE=
             */
            secret: string;
        };
        OAuth1TokenResponse: {
            /**
             * @description null: never expires, or the expiry is unknown
             * @example 2026-11-22T11:00:00.000Z
             */
            expires_at: string | null;
            /**
             * @description null: the granted scopes are unknown
             * @example [
             *       "offline",
             *       "read:sleep"
             *     ]
             */
            scopes: string[] | null;
            /**
             * @description SHA-256 of the token's UTF-8 bytes in hex; send it to report that the provider's API rejected the token
             * @example 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
             */
            fingerprint: string;
            /** @description how to call the provider's API with the token */
            api: components["schemas"]["TokenUseResponse"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            token_type: "oauth1";
            /** @example example-token */
            token: string;
            /**
             * @description only for keys that also have the scope tokens:sign
             * @example example-token-secret
             */
            token_secret?: string;
        };
        Problem: {
            /** @example urn:cufflink:error:TOKEN_REVOKED */
            type: string;
            /** @example token revoked */
            title: string;
            /** @example 409 */
            status: number;
            /** @example Says what happened and what to do. */
            detail: string;
            /**
             * @description branch on this field
             * @example TOKEN_REVOKED
             * @enum {string}
             */
            code: "REQUEST_INVALID" | "IDEMPOTENCY_KEY_REUSED" | "IDEMPOTENCY_KEY_IN_PROGRESS" | "ROUTE_NOT_FOUND" | "API_KEY_INVALID" | "USER_TOKEN_INVALID" | "USER_KEYS_UNAVAILABLE" | "RATE_LIMITED" | "SCOPE_MISSING" | "ACCESS_DENIED" | "RETURN_URL_NOT_ALLOWED" | "PROVIDER_UNKNOWN" | "PROVIDER_NOT_CONFIGURED" | "PROVIDER_RETIRED" | "CONNECTION_NOT_FOUND" | "CONNECTION_NOT_REFRESHABLE" | "AUTHORIZATION_DENIED" | "AUTHORIZATION_STATE_INVALID" | "AUTHORIZATION_CODE_REFUSED" | "AUTHORIZATION_FAILED" | "LINK_USER_MISMATCH" | "LINK_SESSION_INVALID" | "CONSOLE_SESSION_INVALID" | "ACCOUNT_ALREADY_LINKED" | "ACCOUNT_CHANGED" | "SCOPE_NOT_GRANTED" | "TOKEN_REVOKED" | "TOKEN_REFRESH_PENDING" | "CONNECTION_FROZEN" | "TOKEN_UNREADABLE" | "KEY_UNAVAILABLE" | "TOKEN_RESPONSE_INVALID" | "PROVIDER_MISCONFIGURED" | "PROVIDER_UNAVAILABLE" | "PROVIDER_RATE_LIMITED" | "CALL_UNSUPPORTED" | "CALL_ANSWER_UNUSABLE" | "WEBHOOK_ENDPOINT_NOT_FOUND" | "WEBHOOK_URL_NOT_ALLOWED" | "EVENT_NOT_FOUND" | "DATABASE_UNAVAILABLE" | "NOT_READY" | "INTERNAL_ERROR";
            /**
             * @description the party that must act
             * @example user
             * @enum {string}
             */
            act: "caller" | "operator" | "user" | "provider" | "us";
            /**
             * @description identifies the call in the log and the audit trail
             * @example req-12345
             */
            request_id: string;
            /**
             * @description present if a later retry can succeed
             * @example 5
             */
            retry_after_seconds?: number;
        };
        /**
         * provider.degraded
         * @description The circuit breaker of the provider opened: refreshes are paused. Tokens that still work are issued.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "provider.degraded",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "provider": "whoop",
         *         "error_code": "PROVIDER_UNAVAILABLE",
         *         "source": "refresh",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        ProviderDegradedEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "provider.degraded";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * @description see docs/errors.md
                 * @example PROVIDER_UNAVAILABLE
                 */
                error_code: string;
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        ProviderHealthResponse: {
            /**
             * @description open: refreshes at the provider are paused; half_open: one trial decides; as of 5 seconds ago
             * @example closed
             * @enum {string}
             */
            circuit_breaker: "closed" | "open" | "half_open";
            /**
             * @description when refreshes are tried again; null unless the circuit breaker is open
             * @example null
             */
            retry_at: string | null;
            /**
             * @description share of active connections whose last refresh failed, from 0 to 1; null with fewer than 20 of them
             * @example 0.004
             */
            failing_share: number | null;
            /**
             * @description when the connections were counted, usually at most a minute ago; null before the first count
             * @example 2026-11-22T10:00:00.000Z
             */
            counted_at: string | null;
        };
        ProviderListResponse: {
            providers: components["schemas"]["ProviderResponse"][];
        };
        ProviderResponse: {
            /** @example garmin-oauth1 */
            slug: string;
            /** @example Garmin Connect (OAuth 1.0a) */
            name: string;
            /**
             * @example 1.0a
             * @enum {string}
             */
            oauth_version: "1.0a" | "2.0";
            /**
             * @description whether links can be started
             * @example true
             */
            configured: boolean;
            /**
             * @description whether the vendor sandbox is used instead of the provider
             * @example false
             */
            sandbox: boolean;
            /**
             * @example retiring
             * @enum {string}
             */
            lifecycle: "live" | "retiring" | "retired";
            /** @example 2026-12-31 */
            sunset_at: string | null;
            /** @example garmin */
            replaced_by: string | null;
            /** @example [] */
            default_scopes: string[];
            /** @description state of the refreshes at the provider; null while the database does not respond */
            health: components["schemas"]["ProviderHealthResponse"] | null;
        };
        /**
         * provider.restored
         * @description The circuit breaker of the provider closed: refreshes have resumed.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "provider.restored",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "provider": "whoop",
         *         "source": "refresh",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        ProviderRestoredEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "provider.restored";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        /**
         * provider.retiring
         * @description The provider has announced the end of its API.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "provider.retiring",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "provider": "whoop",
         *         "sunset_at": "2026-12-31",
         *         "replaced_by": null,
         *         "source": "operator",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        ProviderRetiringEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "provider.retiring";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description slug of the provider
                 * @example whoop
                 */
                provider: string;
                /**
                 * @description the last day of its API; null: not announced
                 * @example 2026-12-31
                 */
                sunset_at: string | null;
                /**
                 * @description slug of the successor
                 * @example null
                 */
                replaced_by: string | null;
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        RejectedTokenBody: {
            /**
             * @description fingerprint of the rejected token, as returned with it or computed in the same way
             * @example 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
             */
            fingerprint: string;
        };
        ResendBody: {
            /**
             * @description id of the event
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            event_id: string;
        };
        ResendFailedBody: {
            /**
             * @description RFC 3339; inclusive
             * @example 2026-11-28T00:00:00Z
             */
            since: string;
        };
        ResentResponse: {
            /**
             * @description events that are queued for delivery
             * @example 17
             */
            queued: number;
        };
        RetirementResponse: {
            /** @example Garmin Connect (OAuth 1.0a) will shut down its API on 2026-12-31. Use "garmin" for new links. */
            message: string;
            /** @example 2026-12-31 */
            sunset_at: string;
            /** @example garmin */
            replaced_by: string | null;
        };
        RotatedSecretResponse: {
            /** @example 5f0e1d2c-3b4a-4958-8776-655443322110 */
            id: string;
            /** @example https://app.example.com/cufflink */
            url: string;
            /**
             * @description empty: all
             * @example [
             *       "connection.needs_relink"
             *     ]
             */
            event_types: string[];
            /**
             * @description null: all
             * @example null
             */
            providers: string[] | null;
            /**
             * @example enabled
             * @enum {string}
             */
            status: "enabled" | "disabled";
            /**
             * @description failing: every delivery failed for days; gone: it responded with 410; call: you disabled it
             * @example null
             * @enum {string|null}
             */
            disabled_reason: "failing" | "gone" | "call" | null;
            /**
             * @description since when every delivery has failed
             * @example null
             */
            failing_since: string | null;
            /** @example 2026-11-30T10:00:00.000Z */
            created_at: string;
            /**
             * @description signs every delivery; shown only now
             * @example whsec_QW5FeGFtcGxlU2VjcmV0T2ZUaGlydHlUd29CeXRlcyE=
             */
            secret: string;
            /**
             * @description until then the previous secret signs too
             * @example 2026-12-01T10:00:00.000Z
             */
            previous_secret_expires_at: string;
        };
        SignBody: {
            /**
             * @example GET
             * @enum {string}
             */
            method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
            /**
             * @description absolute URL with its query, exactly as you will send it; below `api.base_url` of GET .../token
             * @example https://apis.garmin.com/wellness-api/rest/dailies?uploadStartTimeInSeconds=1795000000
             */
            url: string;
            /**
             * @description the body, if you send it as application/x-www-form-urlencoded; no other body is signed
             * @example a=1&b=2
             */
            form?: string;
        };
        SignResponse: {
            /**
             * @description send it as the `Authorization` header: once, with exactly this request
             * @example OAuth oauth_consumer_key="...", oauth_token="...", oauth_signature="..."
             */
            authorization: string;
        };
        StartLinkBody: {
            /**
             * @description where the browser goes afterwards: one of the registered RETURN_URLS
             * @example https://app.example.com/devices
             */
            return_url?: string;
            /**
             * @description the provider's default scopes if absent; other scopes may have 512 bytes in total, including one byte between two scopes
             * @example [
             *       "offline",
             *       "read:sleep",
             *       "read:profile"
             *     ]
             */
            scopes?: string[];
            /**
             * @description whether the link completes only with POST /v1/links/{link_id}/confirm. If absent, LINK_CONFIRMATION decides. Requires a return_url.
             * @example true
             */
            require_confirmation?: boolean;
            /**
             * @description behavior if the user is already connected and links another account at the provider; refuse if absent
             * @example refuse
             * @enum {string}
             */
            on_account_change?: "refuse" | "replace";
            /**
             * @description for the connection: your own notes, at most 16 keys and 4 KiB; keys of letters, digits, "_", "." and "-"; values are texts. Absent: unchanged
             * @example {
             *       "clinic": "north",
             *       "plan": "pro"
             *     }
             */
            metadata?: {
                [key: string]: string;
            };
        };
        StartedLinkResponse: {
            /** @example 5f4c1f7e-3a52-4c11-8f4e-6f0a9f2f3b10 */
            link_id: string;
            /**
             * @description send the browser here
             * @example https://api.prod.whoop.com/oauth/oauth2/auth?response_type=code&state=...
             */
            link_web_url: string;
            /**
             * @description 256 random bits; returned in the callback
             * @example b3BhcXVlLWV4YW1wbGUtc3RhdGUtb2YtNDMtY2hhcmFj
             */
            state: string;
            /**
             * @description end of the link, which works once. It is voided earlier if the user starts too many other links.
             * @example 2026-11-22T10:10:00.000Z
             */
            expires_at: string;
            /**
             * @description whether you must call POST /v1/links/{link_id}/confirm
             * @example false
             */
            require_confirmation: boolean;
            /**
             * @description as sent
             * @example {
             *       "clinic": "north",
             *       "plan": "pro"
             *     }
             */
            metadata?: {
                [key: string]: string;
            };
            /** @description present if the provider will shut down its API */
            warning?: components["schemas"]["RetirementResponse"];
        };
        TestEventResponse: {
            /** @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d */
            event_id: string;
        };
        TokenUseResponse: {
            /**
             * @description base URL of the API; null: the provider has no API
             * @example https://api.prod.whoop.com/developer/v2
             */
            base_url: string | null;
            /**
             * @description query parameter for the token; absent: use the Authorization header
             * @example token
             */
            token_parameter?: string;
            /**
             * @description further headers that the provider requires, with your own credentials
             * @example [
             *       "Ocp-Apim-Subscription-Key"
             *     ]
             */
            headers?: string[];
        };
        /**
         * user.erased
         * @description All data of the user is erased.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "user.erased",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "user_id": "user-42",
         *         "source": "call",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        UserErasedEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "user.erased";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description your own id of the user
                 * @example user-42
                 */
                user_id: string;
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        UserExportResponse: {
            /** @example user-42 */
            user_id: string;
            /**
             * @description an earlier erasure of this user; only its time and a keyed digest are kept
             * @example null
             */
            last_erased_at: string | null;
            connections: components["schemas"]["ExportedConnection"][];
            /** @description connections whose grants are being exchanged for a successor */
            migrations: components["schemas"]["ExportedMigration"][];
            /** @description grants that are still to be revoked at their providers */
            pending_revocations: components["schemas"]["ExportedRevocation"][];
            /** @description events of providers' notifications that are still held */
            notifications: components["schemas"]["ExportedNotification"][];
            /** @description subscriptions at providers to the user's notifications */
            subscriptions: components["schemas"]["ExportedSubscription"][];
            links: components["schemas"]["ExportedLink"][];
            link_sessions: components["schemas"]["ExportedLinkSession"][];
            /** @description of the last 30 days, oldest first; shaped as in `GET /v1/events` */
            events: Record<string, never>[];
            /** @description newest first, including this export */
            audit_entries: components["schemas"]["AuditEntryFacts"][];
        };
        /**
         * webhook.disabled
         * @description Deliveries to an endpoint were stopped: they failed for days, or it responded with HTTP 410.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "webhook.disabled",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "reason": "failing",
         *         "endpoint_id": "5f0e1d2c-3b4a-4958-8776-655443322110",
         *         "source": "refresh",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        WebhookDisabledEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "webhook.disabled";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * @description the `reason` of the connection; see docs/errors.md
                 * @example grant_refused
                 */
                reason: string;
                /**
                 * Format: uuid
                 * @example 5f0e1d2c-3b4a-4958-8776-655443322110
                 */
                endpoint_id: string;
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
        /**
         * webhook.test
         * @description You have requested a test of an endpoint.
         * @example {
         *       "id": "d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d",
         *       "type": "webhook.test",
         *       "timestamp": "2026-11-30T10:00:00.000Z",
         *       "data": {
         *         "endpoint_id": "5f0e1d2c-3b4a-4958-8776-655443322110",
         *         "source": "call",
         *         "proof": "confirmed"
         *       }
         *     }
         */
        WebhookTestEvent: {
            /**
             * Format: uuid
             * @description the same in every delivery
             * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "webhook.test";
            /**
             * Format: date-time
             * @example 2026-11-30T10:00:00.000Z
             */
            timestamp: string;
            data: {
                /**
                 * Format: uuid
                 * @example 5f0e1d2c-3b4a-4958-8776-655443322110
                 */
                endpoint_id: string;
                /**
                 * @description notification of the provider, refresh or other work in the background, call of the API, or operator
                 * @example refresh
                 * @enum {string}
                 */
                source: "notification" | "refresh" | "call" | "operator";
                /**
                 * @description signed by the provider, confirmed by Cufflink, or an unproven notification
                 * @example confirmed
                 * @enum {string}
                 */
                proof: "signed" | "confirmed" | "unproven";
            };
        };
    };
    responses: {
        /** @description an error */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    providersList: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderListResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    linkSessionsCreate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateLinkSessionBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkSessionResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    linksConfirm: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the link_id that the return_url received */
                link_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfirmLinkBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FinishedLinkResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    linksResume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the link_id that the return_url received */
                link_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description connected; the link has no return_url */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FinishedLinkResponse"];
                };
            };
            /** @description as for the callback */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    linksFinishByGet: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description slug of the provider */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description connected; the link has no return_url */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FinishedLinkResponse"];
                };
            };
            /** @description to the return_url with status and provider, and with connection_id, error, or the parameters for POST /v1/links/{link_id}/confirm */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    linksFinishByPost: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description slug of the provider */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FinishedLinkResponse"];
                };
            };
            /** @description to the resume page, if the link is bound to a browser: it reads the cookie of the link */
            303: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    linksStart: {
        parameters: {
            query?: never;
            header?: {
                /** @description a key of your own, such as a UUID. Repeat the call with the same key and body, and you get the same response for 24 hours */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["StartLinkBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedLinkResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    fleetList: {
        parameters: {
            query?: {
                /** @description slug of the provider */
                provider?: string;
                /** @description active, or ended */
                status?: "active" | "needs_relink";
                /** @description see docs/errors.md */
                reason?: "refusal_unconfirmed" | "gone_unconfirmed" | "refresh_failing" | "no_refresh_token" | "grant_refused" | "unreachable" | "provider_gone" | "provider_retired" | "account_taken" | "deauthorized" | "account_deleted";
                /** @description code of the last error */
                error?: string;
                /** @description RFC 3339; only connections that were linked, refreshed, failed or ended after it */
                updated_after?: string;
                /** @description most connections on the page, 1 to 1000 */
                limit?: string;
                /** @description `next_cursor` of the previous page */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FleetPageResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    fleetStats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FleetStatsResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    connectionsList: {
        parameters: {
            query?: {
                /** @description a key of the metadata, a colon and its value: only connections that have both */
                metadata?: string;
            };
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionListResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    connectionsGet: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    connectionsDisconnect: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DisconnectedResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    connectionsRefresh: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    connectionsToken: {
        parameters: {
            query?: {
                /** @description scopes that you need, separated by spaces; the call is rejected unless all of them are known to be granted */
                scope?: string;
            };
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BearerTokenResponse"] | components["schemas"]["OAuth1TokenResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    connectionsRejected: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RejectedTokenBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BearerTokenResponse"] | components["schemas"]["OAuth1TokenResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    importsImport: {
        parameters: {
            query?: never;
            header?: {
                /** @description a key of your own, such as a UUID. Repeat the call with the same key and body, and you get the same response for 24 hours */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ImportBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImportResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    proxyGet: {
        parameters: {
            query?: {
                /** @description any parameters of the provider, but for credentials */
                query?: {
                    [key: string]: string;
                };
            };
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
                /** @description path below the base URL of the provider's API. Send its slashes as they are, or all of them escaped as `%2F`, as generated clients do. */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the provider's response, with the header `cufflink-answer-from` */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description with the header `cufflink-answer-from`: the provider's response, with any status */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
        };
    };
    proxyPut: {
        parameters: {
            query?: {
                /** @description any parameters of the provider, but for credentials */
                query?: {
                    [key: string]: string;
                };
            };
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
                /** @description path below the base URL of the provider's API. Send its slashes as they are, or all of them escaped as `%2F`, as generated clients do. */
                path: string;
            };
            cookie?: never;
        };
        /** @description sent unchanged, with its content type; at most 64 KiB */
        requestBody?: {
            content: {
                "*/*": string;
            };
        };
        responses: {
            /** @description the provider's response, with the header `cufflink-answer-from` */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description with the header `cufflink-answer-from`: the provider's response, with any status */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
        };
    };
    proxyPost: {
        parameters: {
            query?: {
                /** @description any parameters of the provider, but for credentials */
                query?: {
                    [key: string]: string;
                };
            };
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
                /** @description path below the base URL of the provider's API. Send its slashes as they are, or all of them escaped as `%2F`, as generated clients do. */
                path: string;
            };
            cookie?: never;
        };
        /** @description sent unchanged, with its content type; at most 64 KiB */
        requestBody?: {
            content: {
                "*/*": string;
            };
        };
        responses: {
            /** @description the provider's response, with the header `cufflink-answer-from` */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description with the header `cufflink-answer-from`: the provider's response, with any status */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
        };
    };
    proxyDelete: {
        parameters: {
            query?: {
                /** @description any parameters of the provider, but for credentials */
                query?: {
                    [key: string]: string;
                };
            };
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
                /** @description path below the base URL of the provider's API. Send its slashes as they are, or all of them escaped as `%2F`, as generated clients do. */
                path: string;
            };
            cookie?: never;
        };
        /** @description sent unchanged, with its content type; at most 64 KiB */
        requestBody?: {
            content: {
                "*/*": string;
            };
        };
        responses: {
            /** @description the provider's response, with the header `cufflink-answer-from` */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description with the header `cufflink-answer-from`: the provider's response, with any status */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
        };
    };
    proxyPatch: {
        parameters: {
            query?: {
                /** @description any parameters of the provider, but for credentials */
                query?: {
                    [key: string]: string;
                };
            };
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
                /** @description path below the base URL of the provider's API. Send its slashes as they are, or all of them escaped as `%2F`, as generated clients do. */
                path: string;
            };
            cookie?: never;
        };
        /** @description sent unchanged, with its content type; at most 64 KiB */
        requestBody?: {
            content: {
                "*/*": string;
            };
        };
        responses: {
            /** @description the provider's response, with the header `cufflink-answer-from` */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description with the header `cufflink-answer-from`: the provider's response, with any status */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
        };
    };
    signingSign: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
                /** @description slug of the provider, as listed by GET /v1/providers */
                provider: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    eventsList: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the previous page; absent: from the beginning */
                after?: string;
                /** @description types, separated by commas: connection.linked, connection.relinked, connection.scopes_changed, connection.refresh_failing, connection.recovered, connection.needs_relink, connection.expiring, connection.unlinked, user.erased, provider.retiring, provider.degraded, provider.restored, data.available, webhook.disabled, webhook.test */
                types?: string;
                /** @description your own id of the user */
                user_id?: string;
                /** @description events per page, 1 to 1000 */
                limit?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        events: components["schemas"]["Event"][];
                        /**
                         * @description pass it as `after`; also present if the page is empty
                         * @example 1042
                         */
                        next_cursor: string;
                        /**
                         * @description whether the next page has events already
                         * @example false
                         */
                        has_more: boolean;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    webhookEndpointsList: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointListResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    webhookEndpointsCreate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateEndpointBody"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewEndpointResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    webhookEndpointsGet: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id of the endpoint */
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    webhookEndpointsRemove: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id of the endpoint */
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    webhookEndpointsChange: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id of the endpoint */
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ChangeEndpointBody"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    webhookEndpointsAttempts: {
        parameters: {
            query?: {
                /** @description only attempts with this outcome */
                outcome?: "delivered" | "retrying" | "failed";
                /** @description id of an event */
                event_id?: string;
                /** @description attempts per page, 1 to 1000 */
                limit?: string;
                /** @description `next_cursor` of the previous page */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description id of the endpoint */
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AttemptListResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    webhookEndpointsResend: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id of the endpoint */
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResendBody"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResentResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    webhookEndpointsResendFailed: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id of the endpoint */
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResendFailedBody"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResentResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    webhookEndpointsRotate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id of the endpoint */
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RotatedSecretResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    webhookEndpointsTest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description id of the endpoint */
                endpoint_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestEventResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    usersErase: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErasedUserResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    usersExport: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description your own id of the user */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserExportResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    hooksCheck: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description slug of the provider */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the check is valid */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    hooksReceive: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description slug of the provider */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description stored, or of an unknown account; some providers expect 202 or 204 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    hooksCheckAtSecretPath: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `<PREFIX>_HOOK_PATH_SECRET` */
                path_secret: string;
                /** @description slug of the provider */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the check is valid */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    hooksReceiveAtSecretPath: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `<PREFIX>_HOOK_PATH_SECRET` */
                path_secret: string;
                /** @description slug of the provider */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description stored, or of an unknown account; some providers expect 202 or 204 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    healthLive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    healthReady: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    metricsMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    auditFind: {
        parameters: {
            query?: {
                /** @description your own id of the user */
                user_id?: string;
                /** @description slug of the provider */
                provider?: string;
                /** @description name of the action */
                action?: "link.started" | "link.completed" | "link.failed" | "link.confirmed" | "connection.unlinked" | "connection.needs_relink" | "connection.recovered" | "connection.exchange_begun" | "connection.exchanged" | "connection.exchange_failed" | "connection.migrated" | "connection.imported" | "connection.exported" | "connections.frozen" | "connections.thawed" | "token.handed_out" | "request.proxied" | "request.signed" | "token.rejected" | "token.refreshed" | "token.refresh_failed" | "token.refresh_superseded" | "access.denied" | "user.erased" | "user.exported" | "key.added" | "key.promoted" | "key.reencrypted" | "key.rewrapped" | "key.retired" | "api_key.created" | "api_key.rotated" | "api_key.revoked" | "api_key.bound" | "audit.pruned" | "webhook_endpoint.created" | "webhook_endpoint.changed" | "webhook_endpoint.rotated" | "webhook_endpoint.removed" | "console.signed_in" | "console.signed_out" | "console.user_viewed" | "console.delivery_resent";
                /** @description RFC 3339; inclusive */
                from?: string;
                /** @description RFC 3339; exclusive */
                to?: string;
                /** @description entries per page, 1 to 1000 */
                limit?: string;
                /** @description `next_cursor` of the previous page */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPageResponse"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    deliverConnectionLinkedEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionLinkedEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverConnectionRelinkedEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionRelinkedEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverConnectionScopesChangedEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionScopesChangedEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverConnectionRefreshFailingEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionRefreshFailingEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverConnectionRecoveredEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionRecoveredEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverConnectionNeedsRelinkEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionNeedsRelinkEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverConnectionExpiringEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionExpiringEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverConnectionUnlinkedEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionUnlinkedEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverUserErasedEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserErasedEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverProviderRetiringEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProviderRetiringEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverProviderDegradedEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProviderDegradedEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverProviderRestoredEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProviderRestoredEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverDataAvailableEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DataAvailableEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverWebhookDisabledEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookDisabledEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deliverWebhookTestEvent: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description `id` of the event, the same in every delivery
                 * @example d2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d
                 */
                "webhook-id": string;
                /**
                 * @description when this delivery was signed, in seconds since 1970
                 * @example 1796032800
                 */
                "webhook-timestamp": string;
                /**
                 * @description signatures, separated by a space
                 * @example v1,IB4GDMzTzJuXY9Lv3VCOUb3bcr8GuJnoLSW0P1JEb3Y=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookTestEvent"];
            };
        };
        responses: {
            /** @description you want no more events: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description you have stored the event */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description the delivery is repeated later */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
