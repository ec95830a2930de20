// A picture as large as the window allows.

import { t } from "../../i18n";
import "../../i18n/more";
import type { Attached } from "../../net/wire";
import { Dialog } from "../parts/Dialog";
import { Icon } from "../parts/Icon";
import { shortName } from "../../text/files";

const NAME_MAX = 60;

export function Lightbox({ file, onClose }: { file: Attached; onClose: () => void }) {
  return (
    <Dialog title={shortName(file.name, NAME_MAX)} kind="light" onClose={onClose}>
      <img src={file.url} alt={file.name} />
      <p class="buttons end">
        <a class="button" href={`${file.url}?save=1`} download={file.name}>
          <Icon name="down" size={16} /> {t("file_save")}
        </a>
      </p>
    </Dialog>
  );
}
