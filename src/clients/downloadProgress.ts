/** Where a download stands. */
export type DownloadProgress =
  /** The server exports the weights or builds the archive. */
  | { readonly type: 'preparing'; readonly by: 'export' | 'archive' }
  /** More of a file is there; `totalBytes` where the server tells it. */
  | {
      readonly type: 'receiving';
      readonly file: string;
      readonly receivedBytes: number;
      readonly totalBytes?: number;
    }
  /** All files are checked and at their place; names are paths within the folder. */
  | {
      readonly type: 'finished';
      readonly directory: string;
      readonly files: readonly { readonly name: string; readonly bytes: number }[];
    };
