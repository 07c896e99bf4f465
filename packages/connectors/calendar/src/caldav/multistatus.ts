/** Multistatus answers (RFC 4918 §13): what a server says of each resource, as far as it says that it is so. */
import { unreadable } from '../failure.js';
import { childOf, childrenOf, parseXml, type Element } from './xml.js';

/** One resource with the properties that were found. */
export interface Resource {
  /** As the server wrote it; not to be asked before it was resolved (caldav/href.ts). */
  readonly href: string;
  readonly properties: readonly Element[];
}

const isFound = (element: Element): boolean => {
  const status = childOf(element, 'status')?.text.trim();
  return status === undefined || /^HTTP\/[0-9.]{1,3} 2[0-9]{2}(?: |$)/.test(status);
};

const resourceOf = (response: Element): Resource[] => {
  const href = childOf(response, 'href')?.text.trim() ?? '';
  if (href === '' || !isFound(response)) return [];
  const properties = childrenOf(response, 'propstat')
    .filter(isFound)
    .flatMap((propstat) => childOf(propstat, 'prop')?.children ?? []);
  return [{ href, properties }];
};

/** @throws AirlockError UPSTREAM_REFUSED for an answer that is no multistatus. */
export const parseMultistatus = (body: Buffer): readonly Resource[] => {
  const root = parseXml(body);
  if (root.name !== 'multistatus') throw unreadable('an answer is no multistatus');
  return childrenOf(root, 'response').flatMap(resourceOf);
};

export const propertyOf = ({ properties }: Resource, name: string): Element | undefined =>
  properties.find((property) => property.name === name);

/** Text of the `href` inside a property such as `calendar-home-set`. */
export const hrefsIn = (resource: Resource, name: string): readonly string[] =>
  (propertyOf(resource, name)?.children ?? []).filter((child) => child.name === 'href').map(({ text }) => text.trim());

export const isCalendar = (resource: Resource): boolean => {
  const type = propertyOf(resource, 'resourcetype');
  return type !== undefined && childOf(type, 'calendar') !== undefined;
};
