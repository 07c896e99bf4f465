/** Every limit of this connector in one place: unit in the name, reason beside it. */

const DAY_MS = 86_400_000;

export const LIMITS = {
  /** A calendar of 20,000 events has about 8 MB; the cell may take 384 MB in all. */
  maxIcsBytes: 16 * 1024 * 1024,
  /** Longer files are no calendar of a person. */
  maxLines: 1_000_000,
  /** VCALENDAR, VEVENT, VALARM; VTIMEZONE and STANDARD: three levels are in use. */
  maxDepth: 8,
  maxEvents: 50_000,
  /** Time zones that a file may define itself. */
  maxZones: 200,
  /** STANDARD and DAYLIGHT parts of one VTIMEZONE; full histories have about 60. */
  maxObservances: 200,
  /** Onsets of one observance: yearly from 1970 to 2100. */
  maxOnsets: 140,
  /** One property, unfolded; texts beyond are cut, an event whose times are longer is left out. */
  maxPropertyBytes: 64 * 1024,
  /** EXDATE and RDATE of one event: ten years of working days. */
  maxDates: 2600,
  /** Events that share one UID: a master and its changed instances. */
  maxOverrides: 2000,
  /** ATTENDEE lines that are read at all. */
  maxAttendees: 200,
  /** Attendees of an event in a list; get_event gives maxAttendees. */
  maxListedAttendees: 20,
  maxUidChars: 512,
  maxTitleChars: 500,
  maxLocationChars: 500,
  /** Description in a list. */
  maxListedDescriptionChars: 400,
  /** Description of a new event: a page or two, which somebody has to approve. */
  maxNewDescriptionChars: 5000,
  /** A long meeting every quarter of an hour for a week; more is cut and said to be. */
  maxInstancesPerSeries: 1000,
  maxInstancesPerCall: 20_000,
  /** Steps of one expansion: ten thousand days are 27 years. The candidates keep to rrule-temporal's million: with another number it takes ten times as long. */
  maxIterations: 10_000,
  /** Expanding all events of a call; the call has 30 s in all. */
  maxExpandMs: 5000,
  /** How far before the window an instance may begin that still lasts; longer recurring events do not exist. */
  maxLookBackMs: 400 * DAY_MS,
  /** No zone is further from UTC. */
  maxOffsetMs: 26 * 3_600_000,
  /** Window of `range` and `search`. */
  maxWindowMs: 732 * DAY_MS,
  /** How long a fetched .ics answers without asking again. */
  freshMs: 60_000,
  /** How long the list of calendars does. */
  calendarsFreshMs: 300_000,
  maxCalendars: 100,
  /** One WebDAV answer. */
  maxXmlBytes: 4 * 1024 * 1024,
  maxXmlDepth: 32,
  /** Opening and closing: maxHrefs events are listed with 80,000; parsed, as many take 60 MB. */
  maxXmlTags: 160_000,
  /** Each attribute takes a hundred times its text while it is parsed; namespaces of a root are the longest in use. */
  maxXmlTagChars: 4096,
  /** Events of one calendar in one window that are asked for. */
  maxHrefs: 5000,
  /** Events fetched in one request; halved where the answer is too large. */
  hrefsPerFetch: 50,
  maxHrefChars: 1024,
  /** Bytes of fetched events kept from call to call, known by their ETag. */
  maxKeptBytes: 8 * 1024 * 1024,
  /** All requests of one call: calendars, windows, batches. */
  maxRequests: 400,
  /** Calls of the trial login together. */
  loginMs: 20_000,
} as const;

export const DAY = DAY_MS;
