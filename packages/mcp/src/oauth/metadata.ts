/** What a client reads to find out how to sign in (RFC 9728, RFC 8414). */
import { FIXED_HEADERS } from '../net/refusal.js';

export const SCOPE = 'mcp';

/** RFC 9728 §2: the endpoint, and who gives tokens for it. */
export const resourceMetadata = (authority: string, path: string): object => ({
  resource: `http://${authority}${path}`,
  authorization_servers: [`http://${authority}`],
  bearer_methods_supported: ['header'],
  scopes_supported: [SCOPE],
  resource_name: 'Airlock',
});

/** RFC 8414 §2. */
export const serverMetadata = (authority: string): object => ({
  issuer: `http://${authority}`,
  authorization_endpoint: `http://${authority}/oauth/authorize`,
  token_endpoint: `http://${authority}/oauth/token`,
  registration_endpoint: `http://${authority}/oauth/register`,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_methods_supported: ['none'],
  code_challenge_methods_supported: ['S256'],
  scopes_supported: [SCOPE],
  authorization_response_iss_parameter_supported: true,
});

export const json = (value: object, status = 200): Response => Response.json(value, { status, headers: FIXED_HEADERS });
