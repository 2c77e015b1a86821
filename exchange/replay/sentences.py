"""For every code its gravity and its French sentence (msgid of the catalogue)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from exchange.replay.codes import Code, Severity

SENTENCES: Final = MappingProxyType(
    {
        Code.TRUST: (
            Severity.BREAKING,
            "Les politiques de confiance du lot ne mènent pas à la racine indiquée. {reason}",
        ),
        Code.LOG: (Severity.BREAKING, "Le journal ne tient pas ({where}). {reason}"),
        Code.STATEMENT_ALTERED: (
            Severity.BREAKING,
            "Le fichier « {path} » n'est pas la déclaration que son nom annonce. {reason}",
        ),
        Code.STATEMENT_MISSING: (
            Severity.SERIOUS,
            "L'événement cite une déclaration ({role}) qui manque au lot : {digest}.",
        ),
        Code.STATEMENT_UNAUTHORISED: (
            Severity.SERIOUS,
            (
                "Une déclaration « {type} » a été acceptée sans que sa signature fasse foi à cette place "
                "du journal. {reason}"
            ),
        ),
        Code.STATEMENT_TWICE: (
            Severity.WARNING,
            "Une même déclaration « {type} » a été enregistrée deux fois.",
        ),
        Code.STATEMENT_NOT_LOGGED: (
            Severity.WARNING,
            "Le lot contient une déclaration « {type} » qu'aucun événement n'enregistre : {digest}.",
        ),
        Code.DISCLOSURE_MALFORMED: (
            Severity.BREAKING,
            "Le fichier « {path} » n'est pas un détail d'événement lisible.",
        ),
        Code.DISCLOSURE_MISSING: (
            Severity.SERIOUS,
            (
                "Les détails des événements n° {first} à {last} manquent, et aucune règle de conservation "
                "signée ne les couvre : ils sont retenus ou ont été effacés sans droit."
            ),
        ),
        Code.DISCLOSURE_ERASED_EARLY: (
            Severity.WARNING,
            (
                "Les détails des événements n° {first} à {last} ont été effacés par une règle de "
                "conservation sans qu'un vérificateur les ait d'abord attestés."
            ),
        ),
        Code.INDEX_MISSING: (
            Severity.BREAKING,
            (
                "Le lot n'a pas d'index signé (index.json) : rien ne dit qui l'a exporté ni qu'il est "
                "complet."
            ),
        ),
        Code.INDEX_REFUSED: (
            Severity.BREAKING,
            "L'index du lot n'est pas signé par un vérificateur certifié. {reason}",
        ),
        Code.INDEX_OTHER_LOG: (
            Severity.BREAKING,
            "L'index a été signé pour un autre point de contrôle que celui du lot.",
        ),
        Code.FILE_ALTERED: (Severity.BREAKING, "Le fichier « {path} » a changé depuis l'export."),
        Code.FILE_MISSING: (Severity.BREAKING, "Le fichier « {path} » de l'export manque."),
        Code.FILE_EXTRA: (Severity.BREAKING, "Le fichier « {path} » ne vient pas de l'export."),
        Code.EVENT_UNRECORDED: (
            Severity.SERIOUS,
            "L'événement « {type} » ne cite pas la déclaration qu'il devrait enregistrer.",
        ),
        Code.EVENT_BACKWARDS: (
            Severity.WARNING,
            "L'événement est daté du {at}, avant celui qui le précède ({before}).",
        ),
        Code.EVENT_FUTURE: (
            Severity.WARNING,
            "L'événement est daté du {at}, après la cosignature du journal qui le contient ({head}).",
        ),
        Code.CHAIN_FORKED: (
            Severity.SERIOUS,
            "Deux versions différentes portent le même numéro {version} ({type}).",
        ),
        Code.CHAIN_BROKEN: (
            Severity.SERIOUS,
            "La version {version} ({type}) ne suit pas la version {known}.",
        ),
        Code.AGENDA_UNOPENED: (
            Severity.SERIOUS,
            (
                "L'ordre du jour n° {version} compte {count} point(s) engagés sans que le lot dise ce qu'ils "
                "désignent, et aucune règle de conservation ne le permet."
            ),
        ),
        Code.AGENDA_FOREIGN: (
            Severity.SERIOUS,
            (
                "Le lot attribue à l'ordre du jour {agenda} un contenu que le secrétariat n'a pas engagé. "
                "{reason}"
            ),
        ),
        Code.SITTING_RULE: (
            Severity.WARNING,
            "La séance publiée s'écarte d'une règle de la commission. {reason}",
        ),
        Code.PROXY_RULE: (
            Severity.WARNING,
            "Un mandat entre membres s'écarte d'une règle. {reason}",
        ),
        Code.DEPOSIT_ORDER: (
            Severity.SERIOUS,
            "Le dépôt {deposit} ne suit pas l'ordre prévu. {reason}",
        ),
        Code.DEPOSIT_LATE: (
            Severity.WARNING,
            "Le dépôt {deposit} a été reçu après la clôture de la séance.",
        ),
        Code.DEPOSIT_OVERDUE: (
            Severity.WARNING,
            "Le dépôt {deposit} a été reçu hors délai. {reason}",
        ),
        Code.GRANT_FOREIGN: (
            Severity.SERIOUS,
            (
                "Des enveloppes ont été ajoutées à un dépôt par quelqu'un d'une autre association, ou "
                "pour un dépôt inconnu."
            ),
        ),
        Code.RELEASE_WITHOUT_REQUEST: (
            Severity.SERIOUS,
            "Le dépôt {deposit} a été remis sans demande signée.",
        ),
        Code.RELEASE_DIFFERS: (
            Severity.SERIOUS,
            "La remise du dépôt {deposit} n'est pas celle que la demande signée réclamait.",
        ),
        Code.RELEASE_UNLAWFUL: (
            Severity.SERIOUS,
            (
                "Le dossier {dossier} (dépôt {deposit}) a été remis à {person}, alors que les règles "
                "l'interdisaient : {sentence}."
            ),
        ),
        Code.RELEASE_CITES: (
            Severity.SERIOUS,
            "La remise du dépôt {deposit} ne cite pas les déclarations alors en vigueur ({roles}).",
        ),
        Code.RELEASE_TWICE: (
            Severity.WARNING,
            "Une même demande a fait autoriser deux fois la remise du dépôt {deposit}.",
        ),
        Code.READ_WITHOUT_RELEASE: (
            Severity.SERIOUS,
            "Le contenu du dépôt {deposit} a été téléchargé sans remise autorisée.",
        ),
        Code.READ_TWICE: (
            Severity.WARNING,
            "Une même remise du dépôt {deposit} compte deux téléchargements.",
        ),
        Code.KEYS_KEPT: (
            Severity.SERIOUS,
            "{count} clé(s) de dépôt n'ont pas été détruites après la fin ({cause}).",
        ),
        Code.KEYS_LOST: (
            Severity.WARNING,
            (
                "{count} clé(s) de dépôt étaient chez un gardien qui a été remplacé : rien ne montre "
                "qu'elles ont été détruites après la fin ({cause})."
            ),
        ),
        Code.DEPOSIT_REKEYED: (
            Severity.INFO,
            "Le gardien des clés du dépôt {deposit} a été remplacé : une autre clé lui a été faite.",
        ),
        Code.DESTRUCTION_UNFOUNDED: (
            Severity.WARNING,
            "Des clés ont été détruites sans retrait ni clôture qui le fonde.",
        ),
        Code.PURGE_UNFOUNDED: (
            Severity.SERIOUS,
            "Le dépôt {deposit} a été purgé alors que rien ne le permettait. {reason}",
        ),
        Code.COMPLAINT_UNFOUNDED: (
            Severity.WARNING,
            (
                "Un signalement du dossier {dossier} porte sur un en-tête que l'association n'a jamais "
                "scellé pour cet appareil : le service aurait dû le refuser."
            ),
        ),
        Code.PURGE_WITHOUT_VISA: (
            Severity.INFO,
            (
                "Le secrétariat a ordonné la purge de {count} dépôt(s) sans citer de visa des archives "
                "(C. patrimoine, R212-14) : ce sont des copies de transit, dont les originaux restent à "
                "l'association et à la préfecture."
            ),
        ),
        Code.COMPLAINT: (
            Severity.INFO,
            (
                "Un lecteur a signalé le dossier {dossier} : ce que l'association avait scellé et signé "
                "pour lui était inutilisable ({fault})."
            ),
        ),
        Code.EMERGENCY: (
            Severity.WARNING,
            (
                "Le secrétariat a abaissé en urgence à {quorum} le nombre de témoins exigés, jusqu'au "
                "{until}. Motif : {reason}"
            ),
        ),
        Code.RECOVERY: (
            Severity.WARNING,
            "Le journal a été repris d'une base restaurée. Motif : {reason}",
        ),
        Code.LOG_FORKED: (
            Severity.BREAKING,
            (
                "Ce journal n'est pas la suite de celui que ce profil a déjà vérifié ({known} événements, "
                "cosignés le {day}) : il a été réécrit, ou deux histoires sont montrées. Gardez les deux "
                "points de contrôle : ils le prouvent."
            ),
        ),
        Code.LOG_ROLLED_BACK: (
            Severity.BREAKING,
            (
                "Ce journal s'arrête à {size} événements, alors que ce profil en avait vérifié {known}, "
                "cosignés plus tôt, le {day} : il a été ramené en arrière. Gardez les deux points de "
                "contrôle : ils le prouvent."
            ),
        ),
        Code.RECORD_MISSING: (
            Severity.SERIOUS,
            (
                "Le registre du gardien des clés manque au lot : ce qui a été réellement ouvert ne peut "
                "être rapproché du journal."
            ),
        ),
        Code.RECORD_BROKEN: (
            Severity.BREAKING,
            "Le registre du gardien des clés ne correspond pas à sa signature. {reason}",
        ),
        Code.OPENED_NOT_LOGGED: (
            Severity.SERIOUS,
            (
                "Le gardien des clés a ouvert le dépôt {deposit} (ligne {number} de son registre) et le "
                "journal n'en autorise pas la remise."
            ),
        ),
        Code.OPENED_DIFFERS: (
            Severity.SERIOUS,
            (
                "Le gardien des clés a ouvert le dépôt {deposit} (ligne {number}) pour une autre personne, "
                "ou un autre contenu, que le journal ne le dit."
            ),
        ),
        Code.LOG_TRUNCATED: (
            Severity.SERIOUS,
            (
                "Le gardien des clés a ouvert le dépôt {deposit} (ligne {number}) sur la foi de "
                "l'événement n° {event}, que le journal présenté ne contient pas encore : la fin du "
                "journal est cachée."
            ),
        ),
        Code.RECORD_TRUNCATED: (
            Severity.SERIOUS,
            (
                "Le dépôt {deposit} a été téléchargé, et le registre présenté du gardien des clés n'en "
                "dit pas l'ouverture : la fin de ce registre est cachée."
            ),
        ),
        Code.KEY_NOT_LOGGED: (
            Severity.WARNING,
            "Le gardien des clés a fait une clé pour le dépôt {deposit}, que le journal ne connaît pas.",
        ),
        Code.KEY_NOT_RECORDED: (
            Severity.SERIOUS,
            "La clé du dépôt {deposit} ne figure pas au registre du gardien des clés.",
        ),
        Code.DESTRUCTION_NOT_LOGGED: (
            Severity.WARNING,
            "Le gardien des clés a détruit des clés (ligne {number}) sans que le journal le dise.",
        ),
        Code.DESTRUCTION_NOT_RECORDED: (
            Severity.SERIOUS,
            "Le journal annonce une destruction de clés que le registre du gardien ne contient pas.",
        ),
        Code.POLICY_EXPIRED: (
            Severity.WARNING,
            (
                "La politique de confiance n° {version} a expiré le {expired} : demandez au secrétariat "
                "d'en publier une nouvelle."
            ),
        ),
        Code.NO_INDEPENDENT_WITNESS: (
            Severity.INFO,
            (
                "Aucun témoin indépendant n'a cosigné ce journal : seul le gardien des clés atteste que "
                "l'histoire n'a pas été réécrite pour un lecteur en particulier."
            ),
        ),
        Code.TOO_MANY: (
            Severity.WARNING,
            "Seuls les {limit} premiers constats sont listés : il y en a davantage.",
        ),
    }
)
"""Every code has its sentence (msgid of the catalogue)."""
