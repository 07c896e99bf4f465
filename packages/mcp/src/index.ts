/** The MCP server that an agent starts. */
export {};
