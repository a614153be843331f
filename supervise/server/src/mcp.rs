//! MCP as `rmcp` speaks it: without sessions, so that nothing is kept between two requests, and with
//! an event stream only where a call has something to say before it ends.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use http_body_util::combinators::BoxBody;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::exchange::BODY_LIMIT;
use crate::run::Desk;
use crate::tools;

/// How often a stream that says nothing shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a client that knows nothing of bottles is told.
const INSTRUCTIONS: &str = "This bottle has no way out but through its policy. A request that was \
    denied has a JSON body that says why, and `propose` in it is the call that asks a person to \
    allow it. Make that call with a reason, then call `wait` with the id; an approved request works \
    at once, so send it again. Ask for the least that does, and go on without where a person says \
    no. `denials` lists what was denied lately, `policy` what is allowed now.";

/// Answers requests whose heads and sizes were judged before.
#[derive(Clone)]
pub(crate) struct Protocol(StreamableHttpService<Door, NeverSessionManager>);

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protocol")
    }
}

impl Protocol {
    /// What calls that are under way are told when `ending` is cancelled: that it is over.
    pub(crate) fn new(desk: &Arc<Desk>, ending: CancellationToken) -> Self {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(BODY_LIMIT)
            .with_sse_keep_alive(Some(KEEP_ALIVE))
            // Names and origins are judged by the exchange, before a body is read.
            .disable_allowed_hosts()
            .disable_allowed_origins()
            .with_cancellation_token(ending);
        let door = Door(Arc::clone(desk));
        Self(StreamableHttpService::new(
            move || Ok(door.clone()),
            Arc::new(NeverSessionManager::default()),
            config,
        ))
    }

    pub(crate) async fn answer(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Response<BoxBody<Bytes, Infallible>> {
        self.0.handle(request).await
    }
}

/// The desk as MCP sees it.
#[derive(Clone)]
struct Door(Arc<Desk>);

impl ServerHandler for Door {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("supervise", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::all().into_iter().find(|tool| tool.name == name)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let done = tools::call(&request.name, arguments, &self.0, &context).await;
        // A model reads the text of a tool's error and mends its call; a fault of JSON-RPC it may
        // not see.
        Ok(match done.ok_or_else(|| ErrorData::invalid_params("there is no such tool", None))? {
            Ok(value) => CallToolResult::structured(value),
            Err(why) => CallToolResult::structured_error(json!({ "error": why })),
        }
        .into())
    }
}
