var n=()=>!("subtle"in crypto)||!("indexedDB"in globalThis)||typeof Worker>"u";for(let e of document.querySelectorAll("[data-when-browser-lacks]"))e.hidden=!n();
