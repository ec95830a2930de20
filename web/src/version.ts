declare const __VERSION__: string;

/** As package.json has it; put in when the program is built. */
export const VERSION: string = __VERSION__;
