/** Every path of the API begins with this. */
export const API_BASE = '/api/chainbot';
