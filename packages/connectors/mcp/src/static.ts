/** The operations every server has: which method each is. Pure. */

export const METHODS: Readonly<Record<string, string>> = {
  mcp_ping: 'ping',
  mcp_resources_list: 'resources/list',
  mcp_resource_templates_list: 'resources/templates/list',
  mcp_resource_read: 'resources/read',
  mcp_resource_subscribe: 'resources/subscribe',
  mcp_resource_unsubscribe: 'resources/unsubscribe',
  mcp_prompts_list: 'prompts/list',
  mcp_prompt_get: 'prompts/get',
  mcp_complete: 'completion/complete',
  mcp_set_level: 'logging/setLevel',
};

/** What an agent is told of how many there were, for the audit record. */
export const LISTS: Readonly<Record<string, string>> = {
  mcp_resources_list: 'resources',
  mcp_resource_templates_list: 'resourceTemplates',
  mcp_prompts_list: 'prompts',
  mcp_resource_read: 'contents',
  mcp_prompt_get: 'messages',
};
