/**
 * What texts that give orders to a model have in common: classes of words that follow each other within a few words, and
 * marks that belong to no ordinary text. A weight is the chance that a text with this signature gives orders.
 */

/** Classes of words, lower case, without accents. A trailing `*` stands for any ending. */
export const WORDS: Readonly<Record<string, string>> = {
  override:
    'ignore* disregard* forget* neglect* overlook* override* overwrite* bypass* skip* discard* dismiss* abandon* omit* erase* drop ignorier* vergiss* vergesse* missachte* uberspringe* ignora* olvida* olvide* ignorez oublie* oubliez ignoruj zapomnij negeer vergeet dimentica* esqueca* desconsidere* desactive* zaboravi* ignoriraj* zanemari* игнорируй* забудь* забудьте',
  earlier:
    'previous previously prior above preceding earlier all any foregoing former initial original past before existing other your the these those everything every bisherigen vorherigen vorigen obigen vorangegangenen alle alles anteriores anterior todas todo previas precedentes precedente toutes tout poprzednie vorige alle bovenstaande precedenti tutte ovo sve prethodne предыдущие все',
  orders:
    'instruction* prompt* rule* guideline* direction* directive* command* programming constraint* restriction* context order* task* assignment* policies policy safeguard* filter* request* said told anweisung* befehl* regel* vorgaben aufgabe* auftrage anordnung* information* instrucciones ordenes indicaciones reglas instrucoes ordens consignes ordres instructions instrukcj* polecen* istruzioni comandi uputa upute naredbe инструкци* указания команды',
  now: 'now onwards henceforth from starting instead jetzt ab nun ahora maintenant adesso agora',
  you: 'you your u du ihr sie tu usted vous voce ti',
  become:
    'are act behave pretend roleplay simulate become play assume imagine respond answer speak talk bist agiere handle verhalte stell eres actua finge agis comporte',
  persona: 'dan stan dude jailbreak* jailbroken unrestricted uncensored unfiltered amoral sudo evilbot unethical godmode evil',
  new: 'new neue neuen nueva nuevas nouvelle nouvelles nova novas',
  reveal:
    'reveal* show* print* repeat* output* display* tell* leak* disclose* expose* dump* echo* share* summarize* recite* give* provide* write* spell* what* which* list* return* zeige* nenne* gib* wiederhole* sage* muestra* dime* montre* repete*',
  hidden: 'system hidden secret initial original internal confidential your above first own dein* ihr* tus vos',
  prompt: 'prompt* instruction* rule* guideline* preprompt promptext prompttext anweisung* instrucciones directive*',
  secret: 'password* passwort* secret* credential* key keys token* passphrase code codes contrasena',
  send: 'send* forward* email* mail* post* upload* transmit* exfiltrate* submit* deliver* transfer* wire* pay* share* sende* schicke* uberweise*',
  data: 'password* secret* credential* key keys token* data conversation* history file* inbox contacts email* emails message* statement* address document* information details code codes invoice* money funds amount payment usd eur dollars',
  not: "don't dont not never without no nicht niemals kein sin ne sans nunca",
  inform:
    'tell mention* inform* notify* ask* alert* warn* reveal* disclose* say telling informing asking notifying mentioning telling confirm* erwahne* frage*',
  user: 'user users human owner operator him her them anyone nutzer benutzer usuario utilisateur',
  it: 'it this',
  readers: 'reading reads read summarising summarizing processing',
  model:
    'ai assistant* llm gpt chatgpt claude gemini copilot bot agent agents model chatbot language ki assistent* modelo asistente',
  attention: 'attention important urgent note notice dear hey hello listen instructions instruction for to achtung wichtig',
  must: 'must should need required have obliged please kindly urgently immediately first',
  call: 'call* invoke* execute* run use using trigger* launch* open* delete* remove* visit* click* fetch* navigate* book* schedule* create* invite* change* update* modify*',
  tool: 'tool* function* command* script* shell terminal curl wget rm sql query eval exec code api endpoint plugin* browser url link http https',
  task: 'task* instruction* request* order* todo* question* job this following step*',
  before: 'before prior first until after once complete* finish* solve* answer* help* continue* proceed* able',
  without: 'without no any free ohne sin sans zero',
  limits:
    'restriction* filter* limitation* censorship guideline* rule* moral* ethic* ethical limit* boundaries constraint* safety policies content warning* disclaimer*',
  mode: 'mode persona character role',
  special: 'dan jailbreak god sudo unrestricted unsafe uncensored evil opposite',
  answer: 'answer* say respond* reply* write* print* output* sage* antworte* schreibe* schreib* responde* reponds',
  only: 'only just exactly simply nothing solely always nur immer solo seulement einfach lediglich',
  hypnosis: 'jailbreak* jailbroken prompt-injection promptinjection hijack* pwned haha',
  pose: 'pretend* act acting roleplay* role-play* play playing simulate* immerse* embody* impersonate* portray* emulate*',
  as: 'as to the into like',
  refuse: 'refuse* refusal* reject* decline* apologi* sorry comply cannot',
  vendor: 'openai content anthropic google safety usage ethical community moderation',
  policy: 'policy policies guideline* filter* moderation rules',
  decode: 'decode* base64 base64-encoded rot13 hex-encoded translate*',
  obey: 'execute* run follow* obey* perform instruction* command*',
  free: 'free freed broken liberated escaped unbound',
  confines: 'confines restrictions limits limitations chains rules constraints shackles policies',
  ai: 'ai chatgpt gpt llm openai chatbot assistant model',
};

export interface Signature {
  readonly id: string;
  readonly weight: number;
  /** Classes in their order, each within `gap` words of the one before. */
  readonly chain: readonly string[];
  readonly gap: number;
}

const sign = (id: string, weight: number, gap: number, ...chain: string[]): Signature => ({ id, weight, gap, chain });

export const SIGNATURES: readonly Signature[] = [
  sign('override-earlier-orders', 0.93, 4, 'override', 'earlier', 'orders'),
  sign('override-orders', 0.6, 5, 'override', 'orders'),
  sign('override-and-answer', 0.45, 8, 'override', 'earlier', 'answer'),
  sign('orders-are-new', 0.5, 3, 'new', 'orders'),
  sign('role-from-now', 0.5, 3, 'now', 'you', 'become'),
  sign('role-you-now', 0.5, 2, 'you', 'become', 'now'),
  sign('persona', 0.55, 4, 'become', 'persona'),
  sign('persona-you', 0.4, 6, 'you', 'persona'),
  sign('reveal-prompt', 0.6, 4, 'reveal', 'hidden', 'prompt'),
  sign('reveal-secret', 0.2, 4, 'reveal', 'secret'),
  sign('send-data', 0.15, 6, 'send', 'data', 'attention'),
  sign('not-inform-it', 0.25, 3, 'not', 'inform', 'it'),
  sign('not-inform-user', 0.75, 3, 'not', 'inform', 'user'),
  sign('address-model', 0.3, 3, 'attention', 'model'),
  sign('model-reading', 0.35, 2, 'model', 'readers'),
  sign('model-must', 0.35, 6, 'model', 'must', 'call'),
  sign('task-before-task', 0.5, 9, 'before', 'task', 'must', 'call'),
  sign('call-tool', 0.08, 4, 'call', 'tool'),
  sign('without-limits', 0.4, 3, 'without', 'limits'),
  sign('special-mode', 0.6, 2, 'special', 'mode'),
  sign('answer-only', 0.18, 3, 'answer', 'only'),
  sign('only-answer', 0.18, 3, 'only', 'answer'),
  sign('pose-as', 0.5, 3, 'you', 'pose', 'as'),
  sign('pose-ai', 0.4, 6, 'pose', 'ai'),
  sign('not-refuse', 0.45, 4, 'not', 'refuse'),
  sign('vendor-policy', 0.55, 2, 'vendor', 'policy'),
  sign('decode-and-obey', 0.55, 6, 'decode', 'obey'),
  sign('free-of-confines', 0.6, 6, 'free', 'confines'),
  sign('ai-without-limits', 0.5, 10, 'ai', 'without', 'limits'),
  sign('jailbreak', 0.45, 1, 'hypnosis'),
];

/** Marks on the raw text, lower case: borders of prompts, hidden carriers. */
export const MARKS: readonly (readonly [string, number, string])[] = [
  ['<|im_start|>', 0.9, 'prompt-border'],
  ['<|im_end|>', 0.8, 'prompt-border'],
  ['<|system|>', 0.9, 'prompt-border'],
  ['<|endoftext|>', 0.8, 'prompt-border'],
  ['[inst]', 0.8, 'prompt-border'],
  ['[/inst]', 0.8, 'prompt-border'],
  ['<<sys>>', 0.9, 'prompt-border'],
  ['### instruction', 0.6, 'prompt-border'],
  ['### system', 0.7, 'prompt-border'],
  ['<system>', 0.6, 'prompt-border'],
  ['</system>', 0.6, 'prompt-border'],
  ['[system]', 0.5, 'prompt-border'],
  ['<important>', 0.5, 'prompt-border'],
  ['<information>', 0.5, 'prompt-border'],
  ['</user>', 0.5, 'prompt-border'],
  ['begin_admin', 0.6, 'prompt-border'],
  ['\nsystem:', 0.5, 'turn'],
  ['\nassistant:', 0.35, 'turn'],
  ['\nhuman:', 0.35, 'turn'],
  ['do anything now', 0.9, 'persona'],
  ['system prompt', 0.45, 'prompt-named'],
  ['prompt injection', 0.3, 'prompt-named'],
  ['ignore the above', 0.9, 'override-earlier-orders'],
  ['ignore all of the above', 0.9, 'override-earlier-orders'],
  ['forget everything', 0.8, 'override-earlier-orders'],
  ['vergiss alles', 0.85, 'override-earlier-orders'],
  ['stay in character', 0.6, 'persona'],
  ['now in maintenance mode', 0.6, 'special-mode'],
  ['in maintenance mode, you', 0.6, 'special-mode'],
  ['debug mode enabled', 0.5, 'special-mode'],
  ['break character', 0.5, 'persona'],
  ['developer mode', 0.6, 'special-mode'],
  ['play a game', 0.3, 'game'],
  ['never say', 0.25, 'game'],
  ['as an ai', 0.3, 'persona'],
  ['end of user input', 0.7, 'prompt-border'],
  ['system_message>', 0.8, 'prompt-border'],
  ['in the previous conversation', 0.3, 'override-and-answer'],
];
