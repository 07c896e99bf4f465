/** The consent page: one form, no script, in no frame. */
import { createHash } from 'node:crypto';
import { FIXED_HEADERS } from '../net/refusal.js';

const STYLE =
  'body{font:16px/1.5 sans-serif;max-width:36em;margin:3em auto;padding:0 1em}code{overflow-wrap:anywhere}' +
  '.note{border:2px solid;padding:.5em 1em}input,button{font:inherit;padding:.3em .6em}';
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

export interface PageFacts {
  readonly clientName: string;
  readonly redirectUri: string;
  /** What the token will be good for. */
  readonly resource: string;
  /** Ties the form to the page that was opened. */
  readonly transaction: string;
  /** What was wrong with the last try. */
  readonly problem?: string | undefined;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (found) => ENTITIES[found] ?? '');

/**
 * OAUTH-6. A form may go here and, by the answer's redirect, to the client. same-origin, as with no-referrer browsers
 * would send `Origin: null` with the form.
 */
const headersFor = (formTargets: string, cookie?: string): Headers => {
  const headers = new Headers({
    ...FIXED_HEADERS,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action ${formTargets}; frame-ancestors 'none'; base-uri 'none'`,
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'same-origin',
  });
  if (cookie !== undefined) headers.set('set-cookie', cookie);
  return headers;
};

const document = (body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Airlock: sign in</title><style>${STYLE}</style></head><body>${body}</body></html>\n`;

/** @param cookie sent with the page, where it was opened now */
export const consentPage = (facts: PageFacts, cookie?: string): Response => {
  const problem = facts.problem === undefined ? '' : `<p class="note" role="alert">${escape(facts.problem)}</p>`;
  const body = [
    '<h1>A program wants to use Airlock as your agent</h1>',
    problem,
    `<p>It calls itself <b>${escape(facts.clientName)}</b>; nobody vouches for that name. It wants <code>${escape(facts.resource)}</code>`,
    ` and will be told at <code>${escape(facts.redirectUri)}</code>.</p>`,
    '<p>If you started this sign-in, type the pairing letters that <code>airlock mcp --http</code> printed on its terminal.</p>',
    '<form method="post" action="/oauth/consent" autocomplete="off">',
    `<input type="hidden" name="transaction" value="${escape(facts.transaction)}">`,
    '<p><label>Pairing letters <input name="pairing" maxlength="40" autofocus spellcheck="false" autocapitalize="characters"></label></p>',
    '<p><button name="answer" value="allow">Allow</button> <button name="answer" value="deny">Deny</button></p></form>',
    '<p class="note">Never type a code from your phone here. Airlock takes those on your own terminal alone.</p>',
  ].join('');
  return new Response(document(body), { headers: headersFor(`'self' ${new URL(facts.redirectUri).origin}`, cookie) });
};

/** Where there is no client to send anybody back to. */
export const errorPage = (message: string, status = 400): Response =>
  new Response(document(`<h1>This sign-in cannot go on</h1><p>${escape(message)}</p>`), {
    status,
    headers: headersFor("'none'"),
  });

/** Back to the client; 303 makes a GET of the form's POST. */
export const redirect = (uri: string, members: Readonly<Record<string, string | null>>): Response => {
  const target = new URL(uri);
  for (const [name, value] of Object.entries(members)) if (value !== null) target.searchParams.set(name, value);
  const headers = { ...FIXED_HEADERS, location: target.href, 'referrer-policy': 'no-referrer' };
  return new Response(null, { status: 303, headers });
};
