// Line icons on a grid of 24, drawn with the colour of the text.

const PATHS = {
  chats: "M4 5.5h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1h-9l-4.5 3.5v-3.5H4a1 1 0 0 1-1-1v-10a1 1 0 0 1 1-1Z",
  people: "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 19.5c0-3.2 2.8-5 6.5-5s6.5 1.8 6.5 5M16 5a3.3 3.3 0 0 1 0 6.3M18 14.8c2.2.6 3.5 2.2 3.5 4.7",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM16 16l4.5 4.5",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14.5 5.5 8 12l6.5 6.5",
  chevron: "M9.5 6.5 15 12l-5.5 5.5",
  down: "M12 5v14M5.5 12.5 12 19l6.5-6.5",
  send: "M4 12 3.5 4.5 21 12 3.5 19.5 4 12Zm0 0h8",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5M12 7.8v.2",
  copy: "M9 9h10.5v11.5H9ZM5.5 15H4.5V3.5H15v1.5",
  add: "M12 5v14M5 12h14",
  addPerson: "M10 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM3.5 19.5c0-3.2 2.8-5 6.5-5 1.6 0 3 .3 4.1.9M18 14v6M15 17h6",
  removePerson: "M10 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM3.5 19.5c0-3.2 2.8-5 6.5-5 1.6 0 3 .3 4.1.9M15 17h6",
  folder: "M3.5 6a1 1 0 0 1 1-1H9l2.5 2.5h8a1 1 0 0 1 1 1V18a1 1 0 0 1-1 1h-15a1 1 0 0 1-1-1V6Z",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5",
  retry: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.5V9H15",
  alert: "M12 4 2.8 20h18.4L12 4ZM12 10v4.5M12 17v.2",
  reply: "M9.5 7 4.5 12l5 5M5 12h8.5c3.5 0 6 2 6 6",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7.5V12l3 2",
  check: "M5 12.5 10 17.5 19.5 7",
  checks: "M2.5 12.5 7 17 15 8M11 16.5l.8.5L21 8",
  cloud: "M7 18.5a4 4 0 0 1-.5-8A5.5 5.5 0 0 1 17.2 9 4.8 4.8 0 0 1 17 18.5H7ZM4 4l16 16",
  mail: "M3.5 6h17v12h-17ZM4 7l8 6 8-6",
  phone: "M7.5 3.5H5A1.5 1.5 0 0 0 3.5 5C3.5 13.5 10.5 20.5 19 20.5a1.5 1.5 0 0 0 1.5-1.5v-2.5l-4.5-2-2 2c-2.5-1-4.5-3-5.5-5.5l2-2-2-4.5Z",
  keyboard: "M3 7h18v10.5H3ZM6.5 10.5v.1M10 10.5v.1M13.5 10.5v.1M17 10.5v.1M8 14h8",
  bell: "M6 16.5c1-1 1.5-2 1.5-5.5a4.5 4.5 0 0 1 9 0c0 3.5.5 4.5 1.5 5.5H6ZM10 19.5a2.2 2.2 0 0 0 4 0",
  bellOff: "M6 16.5c1-1 1.5-2 1.5-5.5 0-.8.2-1.5.5-2.2M10 6.9a4.5 4.5 0 0 1 6.5 4.1c0 2.4.2 3.6.6 4.4M6 16.5h9.5M10 19.5a2.2 2.2 0 0 0 4 0M4 4l16 16",
  addPeople: "M8.5 11a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4ZM2.5 19c0-3 2.4-4.6 6-4.6s6 1.6 6 4.6M14.5 5a3 3 0 0 1 0 5.6M18.5 12.5v6M15.5 15.5h6",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  shield: "M12 3.5 5 6v5.5c0 4 2.8 7.2 7 9 4.2-1.8 7-5 7-9V6l-7-2.5ZM9 12l2.2 2.2L15.2 10",
  video: "M3.5 7h11.5v10H3.5ZM15 10.5l5.5-3v9l-5.5-3Z",
  callOut: "M6 18 18 6M9.5 6H18v8.5",
  callIn: "M18 6 6 18M14.5 18H6V9.5",
  missed: "M4 7l8 8 8.5-8.5M4 13V7h6",
  screen: "M3 4.5h18v12H3ZM8.5 20.5h7M12 16.5v4M12 13.5v-6M9 10l3-3 3 3",
  mic: "M12 14.5a3 3 0 0 0 3-3V6.5a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3ZM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3",
  mute: "M12 14.5a3 3 0 0 0 3-3V6.5a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3ZM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3M4 4l16 16",
  pause: "M8.5 5.5v13M15.5 5.5v13",
  hangup: "M3.5 15.5c0-2 0-3 2-4 4-2 9-2 13 0 2 1 2 2 2 4l-5-.5-.5-2.5c-2-.6-4-.6-6 0l-.5 2.5Z",
  board: "M4 5h7v6H4ZM13 5h7v6h-7ZM4 13h7v6H4ZM13 13h7v6h-7Z",
  transfer: "M4 8.5h14M14 4.5l4 4-4 4M20 15.5H6M10 11.5l-4 4 4 4",
  building: "M5 20.5V4h9v16.5M14 9.5h5v11M3.5 20.5h17M8 8h3M8 12h3M8 16h3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20, turn = false }: { name: IconName; size?: number; turn?: boolean }) {
  // `turn`: the icon points along the line of reading and is mirrored with it.
  return (
    <svg class={turn ? "icon turn" : "icon"} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo({ size = 40 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" class="logo">
      <rect width="32" height="32" rx="9" />
      <path d="M9 13v6M16 8.5v15M23 12v8" />
    </svg>
  );
}
