/** What an OAuth endpoint refuses: a code of the RFCs, and what to do. */
import { FIXED_HEADERS } from '../net/refusal.js';

/** RFC 6749 §4.1.2.1 and §5.2, RFC 7591 §3.2.2, RFC 8707 §2. */
export type ProblemCode =
  | 'access_denied'
  | 'invalid_client'
  | 'invalid_client_metadata'
  | 'invalid_grant'
  | 'invalid_redirect_uri'
  | 'invalid_request'
  | 'invalid_target'
  | 'temporarily_unavailable'
  | 'unsupported_grant_type'
  | 'unsupported_response_type';

export class OAuthProblem extends Error {
  override readonly name = 'OAuthProblem';
  readonly code: ProblemCode;
  readonly status: number;

  /** `description` says what was expected, and repeats nothing that was sent. */
  constructor(code: ProblemCode, description: string, status = 400) {
    super(description);
    this.code = code;
    this.status = status;
  }
}

export const problemResponse = ({ code, message, status }: OAuthProblem): Response =>
  Response.json({ error: code, error_description: message }, { status, headers: FIXED_HEADERS });
