import Sqlite from 'better-sqlite3';

/**
 * `node check-process FILE`: runs `PRAGMA quick_check` beside the daemon and prints the list of faults as
 * JSON. A process of its own: on a big file it reads for seconds, and what it needs of memory goes with it.
 */
function faultsOf(path: string): string[] {
  try {
    const db = new Sqlite(path, { readonly: true, fileMustExist: true });
    const rows = db.pragma('quick_check(10)') as { quick_check: string }[];
    db.close();
    return rows.map((row) => row.quick_check).filter((line) => line !== 'ok');
  } catch (error) {
    return [(error as Error).message];
  }
}

console.log(JSON.stringify(faultsOf(process.argv[2] ?? '')));
