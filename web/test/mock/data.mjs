// The people and messages of the mock: enough of a company that lists, groups and texts look like work.

export const DOMAIN = "example.test";
export const ME = `alice@${DOMAIN}`;

const PEOPLE = [
  ["bob", "Bob Marchetti", "busy", "Head of Operations", "Operations", { activity: "on-the-phone" }],
  ["chen", "Chen Wei", "available", "Network Engineer", "Operations", { note: "On site in Hamburg until Friday" }],
  ["dana", "Dana Okafor", "do_not_disturb", "Finance Lead", "Finance", { note: "Closing the quarter" }],
  ["emil", "Emil Söderqvist", "away", "Designer", "Product", { ago: 25 }],
  ["fatima", "Fatima El-Amin", "available", "Product Manager", "Product", {}],
  ["gustav", "Gustav Bauer", "offline", "Field Technician", "Operations", { ago: 190 }],
  ["hana", "Hana Kobayashi", "busy", "Legal Counsel", "Legal", { activity: "in-a-meeting" }],
  ["ivan", "Ivan Petrović", "idle", "Developer", "Product", { ago: 8 }],
  ["julia", "Júlia Ferreira", "be_right_back", "Developer", "Product", { ago: 4 }],
  ["kwame", "Kwame Mensah", "available", "Support Lead", "Support", {}],
  ["lena", "Lena Vogt", "busy_idle", "Accountant", "Finance", {}],
  ["noor", "نور الهاشمي", "available", "Support", "Support", { note: "متاحة حتى الخامسة" }],
];

/** Who is only in the directory. */
const STRANGERS = [
  ["marta", "Marta Lindqvist", "available", "Recruiter", "People"],
  ["martin", "Martin Okonkwo", "offline", "Security Officer", "IT"],
  ["omar", "Omar Haddad", "away", "Facility Manager", "Operations"],
];

const minutesAgo = (m) => new Date(Date.now() - m * 60_000).toISOString();

function person([user, name, state, title, department, extra = {}], i) {
  const { ago, ...rest } = extra;
  return {
    uri: `${user}@${DOMAIN}`,
    name,
    state,
    title,
    department,
    office: `Building ${1 + (i % 3)}, room ${200 + i}`,
    email: `${user}@${DOMAIN}`,
    phones: [`+49 30 1234 ${100 + i}`],
    ...(ago ? { since: minutesAgo(ago) } : {}),
    ...rest,
  };
}

export function people() {
  return PEOPLE.map(person);
}

export function strangers() {
  return STRANGERS.map(person);
}

export const GROUPS = [
  { id: 1, name: "~" },
  { id: 2, name: "Operations" },
  { id: 3, name: "Product" },
];

/** A distribution group. */
export const SALES = `sales@${DOMAIN}`;

/** A group chat that Alice made. */
export const TEAM = `conf-8930b9b29a58b9d180716fe2308586cb.${ME}`;

export function conferences() {
  const people = [ME, ...["bob", "chen", "fatima", "ivan"].map((u) => `${u}@${DOMAIN}`)];
  return new Map([[TEAM, { name: "Hamburg roll-out", organizer: ME, people }]]);
}

export function contacts() {
  const group = { Operations: 2, Product: 3 };
  return people().map((p) => ({ uri: p.uri, name: p.name, groups: [group[p.department] ?? 1], tagged: false }));
}

/** Two thousand contacts in forty groups. */
export function crowd(count) {
  const groups = Array.from({ length: 40 }, (_, i) => ({ id: i + 1, name: i ? `Team ${i}` : "~" }));
  const list = Array.from({ length: count }, (_, i) => ({
    uri: `p${i}@${DOMAIN}`,
    name: `Person ${String(i).padStart(4, "0")}`,
    groups: [(i % 40) + 1],
    tagged: false,
  }));
  return { groups, list };
}

const DAY = 24 * 60;

/** [chat, mine, minutes ago, text] */
const SAID = [
  ["bob", 0, DAY * 3 + 50, "The carrier confirmed the cut-over window: **Saturday 06:00 to 08:00**."],
  ["bob", 1, DAY * 3 + 47, "Good. I put it into the calendar."],
  ["bob", 0, DAY + 95, "Did the test calls go through last night?"],
  ["bob", 1, DAY + 91, "All but one. Relay over TCP failed from the guest network:\n```sh\n$ turnutils_uclient -t -p 443 edge.example.test\n0: Connect to 198.51.100.7 failed\n```\nLooks like their firewall, not ours."],
  ["bob", 0, DAY + 88, "> Looks like their firewall, not ours.\nThen let us write it down before Saturday. What is missing:\n- rule for `443/tcp` to the edge\n- somebody at their side who can *test*\n- https://wiki.example.test/edge/firewall is out of date"],
  ["bob", 1, 64, "I updated the page. Who talks to them?"],
  ["bob", 0, 61, "I am on the phone with them right now"],
  ["bob", 0, 60, "👍"],
  ["bob", 1, 12, "Great, tell me when it is open and I run the calls again."],
  ["bob", 0, 4, "It is open. Could you try it now? They stay on the line."],
  ["bob", 0, 3, "And thanks for the page, that saved us an hour."],
  ["fatima", 1, 95, "When can we see the sign-in page?"],
  ["fatima", 0, 88, "Today, I hope. The texts are in review."],
  ["chen", 1, 140, "Is the switch in rack 4 replaced?"],
  ["chen", 0, 120, "Yes, since this morning. All ports are up."],
  ["emil", 0, DAY + 300, "I sent you the icons as SVG"],
  ["emil", 1, DAY + 290, "They look great, thank you!"],
  ["dana", 0, DAY * 2 + 60, "Invoice 2026-1182 is still open, can you confirm the delivery?"],
  ["kwame", 1, DAY * 4, "Can you take the early shift on Monday?"],
  ["kwame", 0, DAY * 4 - 20, "Sure"],
  ["marta", 0, DAY * 6, "We have a candidate for the network team. Are you free on Thursday for an interview?"],
  ["noor", 0, DAY * 8, "مرحبا، هل يمكنك مساعدتي في إعداد الهاتف؟"],
];

/** [who, minutes ago, text] in the group chat */
const SAID_IN_TEAM = [
  ["chen", 346, "Both switches are in the rack. Power at half past."],
  ["bob", 344, "Thanks. Who brings the phones on Saturday?"],
  ["fatima", 331, "I can, if somebody tells me **how many**."],
  ["alice", 320, "Twelve, and two headsets."],
];

export function messages() {
  const team = SAID_IN_TEAM.map(([user, ago, text], i) => ({
    id: `t${i}`,
    chat: TEAM,
    from: `${user}@${DOMAIN}`,
    at: minutesAgo(ago),
    text,
    state: "delivered",
  }));
  return team.concat(said());
}

function said() {
  return SAID.map(([user, mine, ago, text], i) => ({
    id: `m${String(i).padStart(4, "0")}`,
    chat: `${user}@${DOMAIN}`,
    from: mine ? ME : `${user}@${DOMAIN}`,
    at: minutesAgo(ago),
    text,
    state: "delivered",
  }));
}

export function logins() {
  const at = (days) => new Date(Date.now() - days * 86_400_000).toISOString();
  const agent = (system, rest) => `Mozilla/5.0 (${system}) ${rest}`;
  return [
    { number: 12, made_at: at(3), used_at: at(0), from: "192.0.2.7", agent: agent("X11; Linux x86_64", "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"), this: true },
    { number: 9, made_at: at(20), used_at: at(1), from: "2001:db8::17", agent: agent("iPhone; CPU iPhone OS 18_1 like Mac OS X", "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"), this: false },
    { number: 4, made_at: at(28), used_at: at(14), from: "", agent: "", this: false },
  ];
}

/** So many messages with Bob of the last month; the oldest has a needle in it. */
export function talk(n) {
  return Array.from({ length: n }, (_, i) => ({
    id: `long${i}`,
    chat: `bob@${DOMAIN}`,
    from: i % 3 ? ME : `bob@${DOMAIN}`,
    at: minutesAgo(DAY * 20 + 5 * (n - i)),
    text: i ? `Line ${i} of a long talk` : "A long one with the needle in it",
    state: "delivered",
  }));
}
