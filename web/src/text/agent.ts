// What a browser says it is ("Mozilla/5.0 (X11; Linux x86_64) ..."), as people call it: "Chrome, Linux".

type Names = readonly (readonly [RegExp, string])[];

// The first that fits: most name themselves after others too.
const BROWSERS: Names = [
  [/\bEdgi?A?(?:OS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\b(?:Headless)?Chrom(?:e|ium)\/|\bCriOS\//, "Chrome"],
  [/\bVersion\/.*\bSafari\//, "Safari"],
];
const SYSTEMS: Names = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];
const LONGEST = 60;

function first(names: Names, agent: string): string | undefined {
  return names.find(([what]) => what.test(agent))?.[1];
}

/** Empty if it says nothing; its own words if they are of no browser that is known. */
export function agentName(agent: string): string {
  const browser = first(BROWSERS, agent);
  if (!browser) return agent.length > LONGEST ? `${agent.slice(0, LONGEST - 1)}…` : agent;
  const system = first(SYSTEMS, agent);
  return system ? `${browser}, ${system}` : browser;
}
